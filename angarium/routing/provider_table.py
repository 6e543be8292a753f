"""Which mailbox provider a site belongs to. Pure; the shipped ones are in ``config.providers``."""

from collections.abc import Sequence

import msgspec

from angarium.config.providers import DEFAULT_PROVIDER, all_providers, shipped
from angarium.config.schema import Provider
from angarium.routing.host_name import canonical_name
from angarium.routing.resolution import SiteName
from angarium.routing.site_name import is_smart_host_name


class ProviderTable:
    """Invariant PT1: a provider's ``domains`` win over any suffix, so that they can be told without DNS.

    Then the first provider of which every MX host has a suffix; the operator's come before the shipped ones.
    """

    def __init__(self, own: Sequence[Provider] = ()) -> None:
        self._default = Provider(name=DEFAULT_PROVIDER)
        self._by_name = {provider.name: provider for provider in own}
        self._shipped = {
            each.name: each for each in shipped().provider if each.name != DEFAULT_PROVIDER
        }
        self._by_domain: dict[str, Provider] = {}
        self._suffixes: list[tuple[tuple[str, ...], frozenset[str], Provider]] = []
        for provider in all_providers(own):
            if provider.name == DEFAULT_PROVIDER:
                self._default = provider
                continue
            for domain in provider.domains:
                self._by_domain.setdefault(canonical_name(domain), provider)
            written = [canonical_name(each) for each in provider.mx_suffixes]
            dotted = tuple(each if each.startswith(".") else f".{each}" for each in written)
            whole = frozenset(each for each in written if not each.startswith("."))
            if written:
                self._suffixes.append((dotted, whole, provider))

    def find_by_domain(self, domain: str) -> Provider | None:
        """Return the provider that names ``domain``, lower-case, among its own."""
        return self._by_domain.get(domain)

    def find_by_hosts(self, hosts: Sequence[str]) -> Provider | None:
        """Return the first provider that ALL of ``hosts``, lower-case without trailing dot, belong to."""
        if not hosts:
            return None
        for dotted, whole, provider in self._suffixes:
            if all(host.endswith(dotted) or host in whole for host in hosts):
                return provider
        return None

    def match(self, hosts: Sequence[str], domain: str, site: SiteName) -> Provider:
        """Return the provider; an unknown site is its own, named like it, with the default's limits."""
        found = self.find_by_domain(domain) or self.find_by_hosts(hosts)  # PT1
        return found if found is not None else self.own_of(site)

    def has_domains(self, name: str) -> bool:
        """Whether the provider of that name is one that is told by domains."""
        return any(each.name == name for each in self._by_domain.values())

    def limits_of(self, name: str, site: SiteName) -> Provider:
        """Return the provider of that name, of a site that was found to be its."""
        return self._by_name.get(name) or self._shipped.get(name) or self.own_of(site)

    def own_of(self, site: SiteName) -> Provider:
        """Return the limits of a site that no provider claims: the operator's for that name, or the defaults."""
        if (named := self._by_name.get(site)) is not None:
            return named
        default = shipped().smart_host if is_smart_host_name(site) else self._default
        return msgspec.structs.replace(default, name=site, mx_suffixes=(), domains=())

"""The operator's routes and providers as one value: which provider a domain or a site belongs to, for all who ask.

Ingress (``partition_finder``), delivery (``resolver``, and its open connections after a reload) and ``queue explain``
have no other source. Pure; never changed: a reload makes another one and exchanges it whole.
"""

from collections.abc import Sequence
from itertools import groupby

import msgspec

from angarium.config.address import SmartHost, parse_endpoint, parse_smart_host
from angarium.config.schema import Config, Provider, Route
from angarium.config.ses import endpoint_of
from angarium.queue.destination import SES, direct_domain, domain_behind, find_way
from angarium.routing.address_rules import literal_address
from angarium.routing.provider_table import ProviderTable
from angarium.routing.resolution import MxHost, Site, SiteName, TlsDemand
from angarium.routing.route_table import MX, RouteTable
from angarium.routing.site_name import (
    address_site_name,
    bare_site_name,
    demanding_site_name,
    mx_site_name,
    smart_host_site_name,
)


class Routing:
    """Invariant RT1: what is told of a domain without DNS is what its resolution will say, wherever DNS has no part
    in it: routes to smart hosts, providers told by domain, address literals.

    Invariant RT2: a provider's name, and nothing else of it, decides about its partition (``placement.partition_of``):
    changed numbers move no mail.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        providers: Sequence[Provider],
        port: int,
        ses: SmartHost | None = None,
    ) -> None:
        """``port`` is the one of MX hosts; ``ses``: where its API is, if it is configured. Raises ValueError for a
        ``via`` that is no smart host's URL.
        """
        self._ses = ses
        for route in routes:
            for via in route.vias:
                if via not in (MX, SES):
                    parse_smart_host(via)
        self._routes = RouteTable(routes)
        self._providers = ProviderTable(providers)
        self._port = port

    @classmethod
    def of(cls, config: Config) -> "Routing":
        return cls(config.route, config.provider, config.delivery.port, _ses_host(config))

    # --- routes -----------------------------------------------------------------------------

    def find_route(self, domain: str) -> Route | None:
        """Return the route of a domain in lower-case A-labels (or a literal); None: by MX, default pool."""
        return self._routes.find(domain)

    def find_ways(self, domain: str) -> tuple[str, ...]:
        """Return the smart hosts of the domain's route, in order; none when the domain goes by MX."""
        return self._routes.find_ways(domain)

    def first_way(self, destination: str) -> str | None:
        """Return the smart host of a destination: the chosen one, else the first of its route; None: by MX."""
        if (way := find_way(destination)) is not None:
            return way
        if direct_domain(destination) is not None:
            return None
        ways = self._routes.find_ways(destination)
        return ways[0] if ways else None

    def find_host(self, way: str) -> SmartHost | None:
        """Return the host of a smart host, as its URL has it; None: it is SES, which is not configured."""
        return self._ses if way == SES else parse_smart_host(way)

    def find_next_way(self, destination: str, way: str) -> str | None:
        """Return who takes over what goes to ``destination`` while its smart host is unwell: "": the usual way;
        None: nobody, an operator chose it, or there is no other.
        """
        if find_way(destination) == destination or direct_domain(destination) is not None:
            return None
        ways = self._routes.find_ways(domain_behind(destination))
        behind = ways[ways.index(way) + 1 :] if way in ways else ()
        if behind:
            return behind[0]
        return "" if find_way(destination) is not None else None

    # --- providers --------------------------------------------------------------------------

    def expected_provider(self, domain: str) -> str:
        """Return the name of the provider, as far as it can be told without DNS: else the domain stands for it."""
        return self.find_told_provider(domain) or domain

    def find_told_provider(self, destination: str) -> str | None:
        """Return the name of the provider of a domain or a chosen way; None: it takes DNS to tell."""
        way = self.first_way(destination)
        if way is not None:
            return self._of_way(way).name  # RT1
        domain = domain_behind(destination)
        provider = self._providers.find_by_domain(domain)
        if provider is not None:
            return provider.name  # RT1
        address = literal_address(domain)
        return None if address is None else address_site_name(address, self._port)  # RT1

    def limits_of(self, provider: str, site: SiteName) -> Provider:
        """Return the provider of that name, of a site that was found to be its."""
        return self._providers.limits_of(provider, site)

    # --- sites ------------------------------------------------------------------------------

    def mx_site(self, domain: str, hosts: tuple[MxHost, ...]) -> Site:
        """Return the site of a domain with these MX hosts, given by preference."""
        groups = [
            [host.name for host in group]
            for _, group in groupby(hosts, key=lambda host: host.preference)
        ]
        provider = self._providers.find_by_domain(domain)
        by_hosts = self._providers.find_by_hosts([host.name for host in hosts])
        if provider is not None and provider != by_hosts:
            name = mx_site_name(groups, self._port, provider.name)
        else:
            name = mx_site_name(groups, self._port)
            provider = by_hosts or self._providers.own_of(name)
        return Site(name=name, hosts=hosts, provider=provider, via=MX, final=True)

    def literal_site(self, domain: str, host: MxHost) -> Site:
        """Return the site of an address literal: its one host is named like the address."""
        name = address_site_name(host.name, self._port)
        provider = self._providers.find_by_domain(domain) or self._providers.own_of(name)
        return Site(name=name, hosts=(host,), provider=provider, via=MX, final=True)

    def smart_host_site(self, via: str, to: SmartHost, addresses: tuple[str, ...]) -> Site:
        host = MxHost(name=to.host, port=to.port, preference=0, addresses=addresses)
        return Site(
            name=SiteName(SES) if via == SES else _smart_host_name(to),
            hosts=(host,),
            provider=self._of_way(via),
            via=via,
            final=False,
        )

    @staticmethod
    def demanding(site: Site, demand: TlsDemand) -> Site:
        """Return the site of domains that ask so much of its hosts' TLS: another one, of the same provider."""
        if not demand or site.via != MX:  # what a smart host's TLS is like is the operator's to say
            return site
        return msgspec.structs.replace(
            site, name=demanding_site_name(site.name, demand), demands=demand
        )

    def renewed(self, site: Site) -> Site | None:
        """Return a site that another ``Routing`` made, with the numbers of this one.

        None: its connections must not go on, because it is another provider's now, because their TLS was negotiated
        under another rule, or because hosts are asked at another port.
        """
        provider = self._provider_of(site)
        if provider.name != site.provider.name or provider.tls != site.provider.tls:
            return None
        if site.via == SES and (
            self._ses is None
            or (site.hosts[0].name, site.hosts[0].port) != (self._ses.host, self._ses.port)
        ):
            return None
        if site.via == MX and any(host.port != self._port for host in site.hosts):
            return None
        return msgspec.structs.replace(site, provider=provider)

    def _provider_of(self, site: Site) -> Provider:
        """Return to whom the site belongs by its hosts, or, if its name says so, by its domains."""
        name = bare_site_name(site.name, site.demands)
        told_by_domain = site.via == MX and name.endswith(f"/{site.provider.name}")
        if told_by_domain and self._providers.has_domains(site.provider.name):
            return self._providers.limits_of(site.provider.name, name)
        if site.via == SES:
            return self._providers.own_of(SiteName(SES))
        by_hosts = self._providers.find_by_hosts([host.name for host in site.hosts])
        return by_hosts or self._providers.own_of(name)

    def _of_way(self, way: str) -> Provider:
        if way == SES:
            return self._providers.own_of(SiteName(SES))
        to = parse_smart_host(way)
        by_hosts = self._providers.find_by_hosts((to.host,))
        return by_hosts or self._providers.own_of(_smart_host_name(to))


def _ses_host(config: Config) -> SmartHost | None:
    if config.ses is None:
        return None
    url = endpoint_of(config.ses)
    at = parse_endpoint(url)
    return SmartHost(implicit_tls=url.startswith("https"), user="", host=at.host, port=at.port)


def _smart_host_name(to: SmartHost) -> SiteName:
    return smart_host_site_name(to.implicit_tls, to.user, to.host, to.port)

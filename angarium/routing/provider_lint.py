"""Finds provider rules that can never act, for `postmaster check`. Pure."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from angarium.config.providers import DEFAULT_PROVIDER
from angarium.config.schema import Provider
from angarium.routing.host_name import canonical_name, is_host_name
from angarium.routing.site_name import is_smart_host_name


class ProviderFinding(msgspec.Struct, frozen=True, kw_only=True):
    provider: str
    kind: Literal["no_match", "never_matches", "duplicate", "shadowed"]
    text: str  # what is wrong and what to do, for people


def lint_providers(providers: Sequence[Provider]) -> list[ProviderFinding]:
    """Return what is dead in ``providers``, given in the order in which they are tried."""
    seen = _Seen()
    found: list[ProviderFinding] = []
    for provider in providers:
        found += _lint_own(provider)
        found += seen.compare(provider)
    return found


def _lint_own(provider: Provider) -> Iterator[ProviderFinding]:
    has_match = bool(provider.mx_suffixes or provider.domains)
    if provider.name == DEFAULT_PROVIDER:
        if has_match:
            yield ProviderFinding(
                provider=provider.name,
                kind="never_matches",
                text="the default's limits are those of unknown sites; its mx_suffixes and domains do nothing",
            )
        return
    if not has_match and not is_smart_host_name(provider.name):
        yield ProviderFinding(
            provider=provider.name,
            kind="no_match",
            text="it has neither mx_suffixes nor domains, nor a smart host's URL for a name: it limits nothing",
        )
    for key, names in (("mx_suffixes", provider.mx_suffixes), ("domains", provider.domains)):
        for name in names:
            if not _can_match(name, key):
                yield ProviderFinding(
                    provider=provider.name,
                    kind="never_matches",
                    text=f"{key}: no host or domain can be named {name!r}; write it like "
                    + ("'.example.com'" if key == "mx_suffixes" else "'example.com'"),
                )


def _can_match(name: str, key: str) -> bool:
    bare = canonical_name(name)
    return is_host_name(bare.removeprefix(".") if key == "mx_suffixes" else bare)


class _Seen:
    """Who was first to claim a name, suffix or domain."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._suffixes: dict[str, str] = {}  # suffix -> provider
        self._domains: dict[str, str] = {}

    def compare(self, provider: Provider) -> Iterator[ProviderFinding]:
        if provider.name in self._names:
            yield ProviderFinding(
                provider=provider.name,
                kind="duplicate",
                text="the name is used twice: counts and limits of both would mix",
            )
        self._names.add(provider.name)
        for domain in provider.domains:
            yield from self._compare_domain(provider.name, canonical_name(domain))
        own: list[str] = []
        for suffix in provider.mx_suffixes:
            bare = canonical_name(suffix)
            yield from self._compare_suffix(provider.name, bare, own)
            own.append(bare)
        for bare in own:
            self._suffixes.setdefault(bare, provider.name)

    def _compare_domain(self, name: str, domain: str) -> Iterator[ProviderFinding]:
        first = self._domains.setdefault(domain, name)
        if first != name:
            yield ProviderFinding(
                provider=name,
                kind="shadowed",
                text=f"domains: {domain!r} is {first}'s already, which comes first",
            )

    def _compare_suffix(
        self, name: str, suffix: str, own: Sequence[str]
    ) -> Iterator[ProviderFinding]:
        for wider in own:
            if _covers(wider, suffix):
                yield ProviderFinding(
                    provider=name,
                    kind="duplicate",
                    text=f"mx_suffixes: {suffix!r} adds nothing to {wider!r}",
                )
                return
        for wider, first in self._suffixes.items():
            if _covers(wider, suffix):
                yield ProviderFinding(
                    provider=name,
                    kind="shadowed",
                    text=f"mx_suffixes: {suffix!r} is matched by {wider!r} of {first}, which comes first",
                )
                return


def _covers(wider: str, suffix: str) -> bool:
    """Whether each host with ``suffix`` has ``wider``, too."""
    if suffix == wider:
        return True
    dotted = wider if wider.startswith(".") else f".{wider}"
    return suffix.endswith(dotted)

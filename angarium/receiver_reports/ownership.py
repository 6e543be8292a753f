"""Whose a domain is that a report names: the tenant's with the nearest verified domain at or above it. Pure."""

from collections.abc import Iterable

import msgspec

from angarium.receiver_reports.alignment import is_within


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What of the reports somebody may see.

    Invariant RVS1: a tenant sees rows of its verified domains and of those below them, but for another one's.
    """

    everything: bool = False  # who runs the server
    own: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def sees(self, name: str) -> bool:
        return self.everything or _nearest(name, self.own, self.others)

    def narrowed(self, domain: str) -> "Narrowed":
        return Narrowed(sight=self, domain=domain)


class Narrowed(msgspec.Struct, frozen=True, kw_only=True):
    sight: Sight
    domain: str  # this and those below it; "": all that are seen

    def sees(self, name: str) -> bool:
        return (not self.domain or is_within(name, self.domain)) and self.sight.sees(name)


EVERYTHING = Sight(everything=True)


def sight_of(tenant: str, domains: Iterable[tuple[str, str]]) -> Sight:
    """``domains``: the verified ones, each with its tenant's name."""
    own: set[str] = set()
    others: set[str] = set()
    for name, owner in domains:
        (own if owner == tenant else others).add(name)
    return Sight(own=frozenset(own), others=frozenset(others))


def _nearest(name: str, own: frozenset[str], others: frozenset[str]) -> bool:
    while name:
        if name in own:
            return True  # RVS1
        if name in others:
            return False
        name = name.partition(".")[2]
    return False

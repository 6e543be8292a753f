"""Zones whose nameservers answered for none of many names, so that no more are asked. Pure: times are arguments."""

from typing import Final

import msgspec

from angarium.routing.ttl_cache import TtlCache

# Ours: so many names of one zone without an answer make it suspect
MANY: Final = 8
SILENT_S: Final = 60.0  # ours: the first retry asks again
# Ours: what is known of a zone, and that it lives
REMEMBERED_S: Final = 600.0
ZONES: Final = 5_000
# Of one name; ours: deeper ones do not matter
_DEPTH: Final = 3


class _Zone(msgspec.Struct, frozen=True):
    names: frozenset[str]  # without an answer; at most MANY
    until: float = 0.0  # it is silent


class SilentZones:
    """A zone is known by name only: whoever is above a name, from two labels on.

    Invariant SZ1: a zone counts as silent only when a look-up of its own name had no answer either, for SILENT_S. So
    what many share, as co.uk, is never silent for the sake of some below it.
    """

    def __init__(self) -> None:
        self._zones: TtlCache[str, _Zone] = TtlCache(ZONES)
        self._alive: TtlCache[str, bool] = TtlCache(ZONES)

    def find(self, name: str, now: float) -> str | None:
        """Return the silent zone that a name is in, if there is one."""
        for zone in _zones_of(name):
            known = self._zones.find(zone, now)
            if known is not None and known.until > now:
                return zone
        return None

    def answered(self, name: str, now: float) -> None:
        """Some nameserver knew of it, or that it does not exist."""
        for zone in (name, *_zones_of(name)):
            self._zones.drop(zone)
        for zone in _zones_of(name):
            self._alive.put(zone, True, now + REMEMBERED_S)

    def unanswered(self, name: str, now: float) -> str | None:
        """Return the zone whose own name is to be looked up now, if that is so (SZ1)."""
        suspect: str | None = None
        for zone in _zones_of(name):
            if self._alive.find(zone, now):
                continue
            known = self._zones.find(zone, now) or _Zone(frozenset())
            if len(known.names) >= MANY or name in known.names:
                continue
            names = known.names | {name}
            self._zones.put(zone, _Zone(names, known.until), now + REMEMBERED_S)
            if len(names) == MANY:
                suspect = zone
        return suspect

    def own_name_answered(self, zone: str, now: float) -> None:
        self._zones.drop(zone)
        self._alive.put(zone, True, now + REMEMBERED_S)

    def own_name_unanswered(self, zone: str, now: float) -> None:
        """It is silent; after that, one more name without an answer makes it suspect again."""
        known = self._zones.find(zone, now) or _Zone(frozenset())
        names = frozenset(sorted(known.names)[: MANY - 1])
        self._zones.put(zone, _Zone(names, now + SILENT_S), now + REMEMBERED_S)  # SZ1

    def forget(self) -> None:
        self._zones.clear()
        self._alive.clear()


def _zones_of(name: str) -> list[str]:
    """Return the names above it, the nearest first."""
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels) - 1)][:_DEPTH]

"""Connections that are being opened: how many may be, whose, and which of them are slow.

A peer that accepts and says nothing keeps an opening for minutes. So who is slow to answer is counted by itself.
"""

from collections.abc import Iterator
from typing import Final

from angarium.mta.egress.lease import HANGS_MS, Lease, PlaceKey, opening_text
from angarium.mta.egress.work import Opener
from angarium.mta.transport.outcome import Scope, Transient
from angarium.queue.model import Attempt, UnixMs
from angarium.routing.fair_turns import Shares, Whose
from angarium.routing.ttl_cache import TtlCache

# Ours: a slow one goes by then, when its sender (or account, or tenant) has no room for another one
LONG_MS: Final = 5_000
# Ours, when another site of its provider wants its place: hosts that make clients wait before they greet do so for less
LONG_FOR_PROVIDER_MS: Final = 30_000
# A site that took a connection counts as one that works for so long
WORKS_MS: Final = 3_600_000
SITES: Final = 10_000
# Works or not, tenant, account, sender, site
WHOSE_LENGTH: Final = 5


class Openings:
    """Of one delivery process.

    Invariant OP1: at most ``limit`` are slow.
    Invariant OP2: places for openings are shared (``fair_turns.Shares``), and those for slow ones likewise: between
    sites that worked of late and others, then tenants, accounts, senders and sites. Nobody takes the last.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit  # may change at any time
        self._quick = Shares()
        self._slow = Shares()
        self._slow_ones: dict[Lease, None] = {}  # the oldest first
        self._working: TtlCache[str, bool] = TtlCache(SITES)

    @property
    def slow(self) -> int:
        return len(self._slow_ones)

    @property
    def hanging(self) -> int:
        """How many are slow beyond what people need not know."""
        return sum(each.opening_ms >= HANGS_MS for each in self._slow_ones)

    def whose(self, opener: Opener, site: str, now: UnixMs) -> Whose:
        works = self._working.find(site, now) is not None
        return (works, *opener, site)

    def allows(self, whose: Whose, free: int) -> bool:
        """Whether one more may begin; ``free``: places that nobody has."""
        return self._quick.allows(whose, free)  # OP2

    def allows_group(self, group: Whose, free: int) -> bool:
        return self._quick.allows_group(group, WHOSE_LENGTH, free)

    def begin(self, whose: Whose) -> None:
        self._quick.take(whose)

    def make_slow(self, lease: Lease) -> bool:
        """Count one by itself from now on, if there is room; else the oldest of its group may have to go."""
        free = self.limit - len(self._slow_ones)
        if self._slow.allows(lease.whose, free):
            self._quick.give_back(lease.whose)
            self._slow.take(lease.whose)
            self._slow_ones[lease] = None  # OP1
            return True
        for length in range(1, WHOSE_LENGTH + 1):
            group = lease.whose[:length]
            if not self._slow.allows_group(group, WHOSE_LENGTH, free):
                own = (each for each in self._slow_ones if each.whose[:length] == group)
                _end_oldest(own, LONG_MS)
                break
        return False

    def make_way(self, key: PlaceKey, site: str) -> None:
        """A site of a provider wants a place of its: the oldest slow one of another site goes, if it is long."""
        if self._slow_ones:
            others = (each for each in self._slow_ones if each.key == key and each.site != site)
            _end_oldest(others, LONG_FOR_PROVIDER_MS)

    def end(self, lease: Lease, *, worked: bool, now: UnixMs) -> None:
        """It stands, or never will."""
        if lease in self._slow_ones:
            del self._slow_ones[lease]
            self._slow.give_back(lease.whose)
        else:
            self._quick.give_back(lease.whose)
        if worked:
            self._working.put(lease.site, True, now + WORKS_MS)
        else:
            self._working.drop(lease.site)

    def is_slow(self, lease: Lease) -> bool:
        return lease in self._slow_ones


def _end_oldest(candidates: Iterator[Lease], long_ms: int) -> None:
    oldest = next((each for each in candidates if not each.is_given_up), None)
    if oldest is not None and oldest.opening_ms >= long_ms:
        oldest.give_up()


def gave_up(lease: Lease, source: str) -> Transient:
    """Return what a connection came to that was slow, and whose place others wanted."""
    shown = lease.shown
    made = Attempt(
        at=lease.now,
        host=shown.host,
        address=shown.address,
        source=source,
        code=0,
        enhanced="4.4.1",  # RFC 3463 section 3.5: no answer from host
        text=f"{opening_text(shown, lease.now)}; given up for others that wait",
        tls="",
        stage=shown.awaits or "connect",
    )
    return Transient(made, Scope.SITE)

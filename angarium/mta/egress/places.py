"""Places for connections: how many may be open over all and per source x provider, who has one, and who waits.

Start with ``Places.try_take``. One per delivery process; knows nothing of mail.
"""

from collections.abc import Callable

from angarium.mta.egress.lease import Lease, LiveConnection, PlaceKey, Seeker
from angarium.queue.model import DeliveryId, UnixMs


class Places:
    """Invariant 6: ``taken(key) <= limit`` given for it, and ``total <= limit`` in all, at every moment. After a limit
    was lowered, as many as are over it leave after their transfer, and none is opened.

    Invariant PL1: who is refused waits in turn; when a place is given back, one seeker that could use it is kicked.
    Invariant PL2: a place is given back exactly once, also when its task is cancelled before it began.
    """

    def __init__(self, limit: int, clock: Callable[[], UnixMs]) -> None:
        self._clock = clock
        self._idle: dict[Lease, None] = {}  # whose connections wait for work, the oldest first
        self.limit = limit  # over all; may change at any time
        self._leaving: dict[Lease, None] = {}  # of those taken
        self._leases: dict[int, Lease] = {}
        self._taken: dict[PlaceKey, int] = {}
        self._seekers: dict[PlaceKey, dict[Seeker, None]] = {}  # in order of arrival
        self._number = 0

    @property
    def total(self) -> int:
        return len(self._leases)

    @property
    def is_exhausted(self) -> bool:
        """Whether the limit over all is what keeps others waiting."""
        return len(self._leases) >= self.limit

    def taken(self, key: PlaceKey) -> int:
        return self._taken.get(key, 0)

    def is_awaited(self, key: PlaceKey, by_other_than: Seeker) -> bool:
        """Whether somebody else waits for a connection that closing one of this key would allow."""
        if not self._seekers:
            return False  # asked for every message
        if any(each is not by_other_than for each in self._seekers.get(key, ())):
            return True
        return self.is_exhausted and any(other != key for other in self._seekers)

    def try_take(
        self, key: PlaceKey, limit: int, seeker: Seeker, *, site: str = "", spares_own: bool = True
    ) -> Lease | None:
        """Take a place. Without one, ``seeker`` is kicked when there may be one, for which an idle connection ends.

        ``spares_own``: not one of the seeker's own, which would take its work as well.
        """
        if self.is_exhausted or self.taken(key) >= limit:
            self._seekers.setdefault(key, {})[seeker] = None
            self._end_an_idle(key if self.taken(key) >= limit else None, seeker, spares_own)
            return None
        self._number += 1
        lease = self._leases[self._number] = Lease(
            register=self, id_=self._number, key=key, owner=seeker, site=site
        )
        self._taken[key] = self.taken(key) + 1
        return lease

    def take_back(self, lease: Lease) -> None:
        if self._leases.pop(lease.id, None) is None:  # PL2
            return
        self._idle.pop(lease, None)
        self._leaving.pop(lease, None)
        key = lease.key
        left = self._taken[key] - 1
        if left:
            self._taken[key] = left
        else:
            del self._taken[key]
        self._kick_next(key)  # PL1
        if len(self._leases) == self.limit - 1:  # the limit over all kept others waiting, too
            for other in list(self._seekers):
                if self.is_exhausted:
                    break
                self._kick_next(other)

    def must_leave(self, lease: Lease, limit: int) -> bool:
        """Whether the one that asks is one too many, beside those that leave already; then it ends now."""
        taken = self.taken(lease.key)
        if taken <= limit and len(self._leases) <= self.limit:  # nearly always
            return False
        here = sum(each.key == lease.key for each in self._leaving)
        if taken - here <= limit and len(self._leases) - len(self._leaving) <= self.limit:
            return False
        self._leaving[lease] = None
        return True

    def forget(self, key: PlaceKey, seeker: Seeker) -> None:
        """It waits no longer."""
        seekers = self._seekers.get(key)
        if seekers is not None:
            seekers.pop(seeker, None)
            if not seekers:
                del self._seekers[key]

    def open_connections(self) -> list[LiveConnection]:
        """Return what is open or being opened, the oldest first."""
        return [lease.shown for lease in self._leases.values()]

    def find_carrying(self, delivery: DeliveryId) -> LiveConnection | None:
        """Return the connection that has a recipient in transfer now."""
        for lease in self._leases.values():
            if any(each.id == delivery for each in lease.carries):
                return lease.shown
        return None

    def end(self, connection_id: int) -> bool:
        """Break one off; False: there is none of that id, any more."""
        lease = self._leases.get(connection_id)
        if lease is None:
            return False
        lease.end()
        return True

    # --- the end of the process (``mta.draining``)

    def end_openings(self) -> None:
        """Also where they are to begin anew."""
        for lease in list(self._leases.values()):
            lease.end_opening()

    def end_farewells(self) -> None:
        for lease in list(self._leases.values()):
            lease.end_farewell()

    def end_unsent(self) -> None:
        for lease in list(self._leases.values()):
            lease.end_unsent()

    # --- what leases tell (``lease.LeaseRegister``)

    def clock(self) -> UnixMs:
        return self._clock()

    def mark_idle(self, lease: Lease, idle: bool) -> None:
        if idle:
            self._idle[lease] = None
        else:
            self._idle.pop(lease, None)

    def _kick_next(self, key: PlaceKey) -> None:
        seekers = self._seekers.get(key)
        if seekers is None:
            return
        seeker = next(iter(seekers))
        self.forget(key, seeker)
        seeker.kick()

    def _end_an_idle(self, key: PlaceKey | None, seeker: Seeker, spares_own: bool) -> None:
        """End the oldest wait, of ``key`` if given."""
        for lease in self._idle:
            if key in (None, lease.key) and not (spares_own and lease.owner is seeker):
                lease.end_wait()
                return

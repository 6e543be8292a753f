"""Places for connections: how many may be open over all and per source x provider, who has one, and who waits.

Start with ``Places.try_take``. One per delivery process; knows nothing of mail.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

from angarium.config.streams import DEFAULT_STREAM_PRIORITY
from angarium.mta.egress.ceiling import Ceiling
from angarium.mta.egress.lease import Lease, LiveConnection, PlaceKey, Seeker
from angarium.mta.egress.openings import Openings
from angarium.mta.egress.work import Opener
from angarium.queue.model import DeliveryId, UnixMs
from angarium.routing.fair_turns import Turns, Whose


class Places:
    """Invariant 6: ``taken(key) <= limit`` given for it, at every moment; what is being opened counts. In all,
    ``total <= limit``, where what is slow to open has a ceiling of its own. After a limit was lowered, as many as are
    over it leave after their transfer, and none is opened.

    Invariant PL1: who is refused waits in turn; when a place is given back, seekers that could use it are kicked, until
    one has taken it.
    Invariant PL2: a place is given back exactly once, also when its task is cancelled before it began.
    Invariant PL3: a connection that was slow to open is used only once it counts in ``total``; it goes first.
    """

    def __init__(self, limit: int, opening: int, clock: Callable[[], UnixMs]) -> None:
        self._clock = clock
        self._idle: dict[Lease, None] = {}  # whose connections wait for work, the oldest first
        self.limit = limit  # over all; may change at any time
        self.openings = Openings(opening)
        self._leaving: dict[Lease, None] = {}  # of those taken
        self._leases: dict[int, Lease] = {}
        self._opening: dict[Lease, None] = {}  # of these
        self._taken: dict[PlaceKey, int] = {}
        # Who waits for a place of a key; and who for one over all, or for a share of these
        self._at_ceiling: dict[PlaceKey, Ceiling[Seeker]] = {}
        self._turns: Turns[Seeker] = Turns()
        self._whose: dict[Seeker, Whose] = {}  # of those in ``_turns``
        self._standing: dict[Lease, asyncio.Future[None]] = {}  # PL3
        self._freed: deque[PlaceKey] = deque()
        self._is_serving = False
        self._number = 0

    @property
    def total(self) -> int:
        """How many count towards the limit over all."""
        return len(self._leases) - self.openings.slow

    @property
    def opening(self) -> int:
        """How many are being opened; the slow ones are among them."""
        return len(self._opening)

    @property
    def is_exhausted(self) -> bool:
        """Whether the limit over all is what keeps others waiting."""
        return self.total >= self.limit

    def taken(self, key: PlaceKey) -> int:
        return self._taken.get(key, 0)

    def all_taken(self) -> Mapping[PlaceKey, int]:
        """Return how many are taken of each key that has any."""
        return self._taken

    def is_awaited(self, key: PlaceKey, by_other_than: Seeker) -> bool:
        """Whether somebody else waits for a connection that closing one of this key would allow."""
        if not (self._at_ceiling or self._turns or self._standing):
            return False  # asked for every message
        ceiling = self._at_ceiling.get(key)
        if ceiling is not None and ceiling.has_other_than(by_other_than):
            return True
        others = len(self._turns) - (by_other_than in self._whose)
        return self.is_exhausted and bool(others or self._standing)

    def try_take(
        self,
        key: PlaceKey,
        limit: int,
        seeker: Seeker,
        *,
        site: str,
        opener: Opener,
        priority: int = DEFAULT_STREAM_PRIORITY,
        spares_own: bool = True,
    ) -> Lease | None:
        """Take a place. Without one, ``seeker`` is kicked when there may be one, for which an idle connection ends.

        ``opener``, ``priority``: what mail it is for. ``spares_own``: not one of the seeker's own, which would take its
        work as well.
        """
        if self.taken(key) >= limit:
            self._leave_turns(seeker)
            ceiling = self._at_ceiling.setdefault(key, Ceiling())
            ceiling.add(seeker, priority=priority, tenant=opener[0])
            self._end_an_idle(key, seeker, spares_own)
            self.openings.make_way(key, site)
            return None
        free = self.limit - self.total
        whose = self.openings.whose(opener, site, self._clock())
        if not self.openings.allows(whose, free):
            self._leave_ceiling(key, seeker)
            if self._whose.get(seeker) != whose:
                self._leave_turns(seeker)
                self._whose[seeker] = whose
                self._turns.add(whose, seeker)
            if free <= 0:
                self._end_an_idle(None, seeker, spares_own)
            return None
        self.forget(key, seeker)
        self._number += 1
        lease = self._leases[self._number] = Lease(
            register=self, id_=self._number, key=key, owner=seeker, site=site, whose=whose
        )
        self._taken[key] = self.taken(key) + 1
        self._opening[lease] = None
        self.openings.begin(whose)
        return lease

    def take_back(self, lease: Lease) -> None:
        if self._leases.pop(lease.id, None) is None:  # PL2
            return
        self._end_opening(lease, worked=False)
        self._idle.pop(lease, None)
        self._leaving.pop(lease, None)
        key = lease.key
        left = self._taken[key] - 1
        if left:
            self._taken[key] = left
        else:
            del self._taken[key]
        self._freed.append(key)
        self._serve()

    def must_leave(self, lease: Lease, limit: int) -> bool:
        """Whether the one that asks is one too many, beside those that leave already; then it ends now."""
        taken = self.taken(lease.key)
        if taken <= limit and self.total <= self.limit:  # nearly always
            return False
        here = sum(each.key == lease.key for each in self._leaving)
        if taken - here <= limit and self.total - len(self._leaving) <= self.limit:
            return False
        self._leaving[lease] = None
        return True

    def forget(self, key: PlaceKey, seeker: Seeker) -> None:
        """It waits no longer."""
        self._leave_ceiling(key, seeker)
        self._leave_turns(seeker)

    def _leave_ceiling(self, key: PlaceKey, seeker: Seeker) -> None:
        ceiling = self._at_ceiling.get(key)
        if ceiling is not None:
            ceiling.discard(seeker)
            if not ceiling:
                del self._at_ceiling[key]

    def _leave_turns(self, seeker: Seeker) -> None:
        whose = self._whose.pop(seeker, None)
        if whose is not None:
            self._turns.discard(whose, seeker)

    def waits_for_share(self, seeker: Seeker) -> bool:
        """Whether what it wants to open waits for others of the same sender, account or tenant."""
        return seeker in self._whose

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

    def end_stuck(self, limit_s: float, now: float) -> None:
        """The watchdog: no transaction keeps a place for longer than twice ``limit_s``, by the loop's clock."""
        for lease in list(self._leases.values()):
            lease.end_stuck(limit_s, now)

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

    def make_slow(self, lease: Lease) -> bool:
        if lease not in self._opening or self.openings.is_slow(lease):
            return True
        is_slow = self.openings.make_slow(lease)
        if is_slow:
            self._serve()
        return is_slow

    async def opened(self, lease: Lease) -> None:
        if self.openings.is_slow(lease) and self.is_exhausted:
            turn = self._standing[lease] = asyncio.get_running_loop().create_future()
            self._end_an_idle(None, lease.owner, spares_own=False)
            try:
                await turn
            finally:
                self._standing.pop(lease, None)
        else:
            self._end_opening(lease, worked=True)
            self._serve()

    # --- who is next

    def _end_opening(self, lease: Lease, *, worked: bool) -> None:
        if lease in self._opening:
            del self._opening[lease]
            self.openings.end(lease, worked=worked, now=self._clock())

    def _serve(self) -> None:
        """Give what is free to whoever waits for it. Seekers are kicked one by one, however deep they ask again."""
        if self._is_serving:
            return
        self._is_serving = True
        try:
            while self._serve_one():
                pass
        finally:
            self._is_serving = False

    def _serve_one(self) -> bool:
        free = self.limit - self.total
        if free > 0 and self._standing:
            lease = next(iter(self._standing))
            turn = self._standing.pop(lease)
            if not turn.done():
                self._end_opening(lease, worked=True)  # PL3
                turn.set_result(None)
        elif self._freed:
            self._serve_ceiling(self._freed.popleft())
        elif free > 0 and self._turns:
            found = self._turns.next(partial(self.openings.allows_group, free=free))
            if found is None:
                return False
            seeker = found[1]
            del self._whose[seeker]
            seeker.kick()  # PL1
        else:
            return False
        return True

    def _serve_ceiling(self, key: PlaceKey) -> None:
        ceiling = self._at_ceiling.get(key)
        if ceiling is None or (seeker := ceiling.take()) is None:
            return
        self.forget(key, seeker)
        taken = self.taken(key)
        seeker.kick()
        # PL1: it has no use for it any more. Or else it waits again, as where a limit was lowered
        declined = self.taken(key) <= taken and not self._waits_at_ceiling(key, seeker)
        if declined and key not in self._freed:
            self._freed.appendleft(key)

    def _waits_at_ceiling(self, key: PlaceKey, seeker: Seeker) -> bool:
        ceiling = self._at_ceiling.get(key)
        return ceiling is not None and seeker in ceiling

    def _end_an_idle(self, key: PlaceKey | None, seeker: Seeker, spares_own: bool) -> None:
        """End the oldest wait that may end, of ``key`` if given."""
        for lease in self._idle:
            if spares_own and lease.owner is seeker:
                continue
            if key in (None, lease.key) and lease.end_for_others():
                return

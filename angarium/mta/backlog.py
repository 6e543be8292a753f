"""Which due recipients are in memory: a bounded active queue over an unbounded backlog. No I/O of its own.

What is due is read in order, page by page. A lane (tenant x provider x stream) that is full leaves its recipients on
disk and remembers where the first of them stands; when it has room again, the part of the backlog behind that
place is read once more for this lane alone. So a slow provider never keeps a fast one from being read, and
each recipient is passed over at most once per refill of a lane. Where more is due than a page, what has just become due
is read first, and the mountain before it in turn with that: so it keeps nobody waiting who comes after it.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from angarium.queue.model import DeliveryId, DueHead, PartitionNumber, UnixMs
from angarium.queue.spool import DuePage, position

PAGE = 500  # recipients read in one short read transaction
# The same of a mountain: a millisecond, so that whoever is on the way meanwhile waits for no more between two steps
BEHIND_PAGE = 100
# What became due so long ago is caught up on; ours: as long as a commit may take to show what it made due
FRESH_MS = 2_000


class Lane(msgspec.Struct, frozen=True, kw_only=True, gc=False, cache_hash=True):
    """Whose backlog is bounded by itself: one tenant's mail of one stream for one provider.

    So a stream that our own throttle keeps waiting never keeps the tenant's others on disk.
    """

    tenant: str
    provider: str
    stream: str
    # What a rule has stopped of it (``policy.find_apart``), so that it keeps none of the rest on disk; "": the rest
    apart: str = ""


class DueIndex(Protocol):
    """The part of ``queue.Partition`` that is read here."""

    @property
    def number(self) -> PartitionNumber: ...

    def due(self, upto: UnixMs, limit: int, cursor: bytes | None = None) -> DuePage: ...


class _LaneState:
    __slots__ = ("loaded", "skipped")

    def __init__(self) -> None:
        self.loaded = 0
        self.skipped: dict[PartitionNumber, bytes] = {}  # where the first one left on disk stands


class Backlog:
    """Reads ahead, up to ``ready_limit`` recipients in all and ``lane_limit`` per lane.

    Invariant BL1: a due recipient in front of a partition's cursor is loaded, or stands at or behind the ``skipped``
    position of a lane, its own or the one that it had then, or in what the partition has to catch up on.
    Invariant BL2: a loaded recipient is handed to ``load`` once until ``unload``.
    """

    def __init__(
        self,
        partitions: Iterable[DueIndex],
        lane_of: Callable[[DueHead], Lane],
        load: Callable[[DueHead, Lane], None],
        *,
        ready_limit: int,
        lane_limit: int,
    ) -> None:
        self._partitions = tuple(partitions)
        self._lane_of = lane_of
        self._load = load
        self.ready_limit = ready_limit  # may change at any time, as the next
        self.lane_limit = lane_limit
        self._cursors: dict[PartitionNumber, bytes] = {p.number: b"" for p in self._partitions}
        # From where to where, in front of the cursor; at most one for each partition
        self._behind: dict[PartitionNumber, tuple[bytes, bytes]] = {}
        self._caught_up_last = False
        self._unfinished = {p.number for p in self._partitions}
        self._loaded: dict[DeliveryId, Lane] = {}
        self._lanes: dict[Lane, _LaneState] = {}
        self._hungry: dict[Lane, None] = {}  # lanes with room and something skipped, in order

    def __len__(self) -> int:
        return len(self._loaded)

    @property
    def full(self) -> bool:
        return len(self._loaded) >= self.ready_limit

    def find_lane(self, delivery: DeliveryId) -> Lane | None:
        """Return the lane of a recipient that is loaded."""
        return self._loaded.get(delivery)

    def wake(self, number: PartitionNumber | None = None) -> None:
        """Something new may be due (in one partition): read on behind the cursor."""
        if number is None:
            self._unfinished.update(self._cursors)
        elif number in self._cursors:
            self._unfinished.add(number)

    def step_back(self, due: UnixMs) -> None:
        """Read what became due since ``due`` again: a slow commit may have put something in front of the cursor."""
        place = position(max(due, 0))
        for number, cursor in self._cursors.items():
            if place < cursor:
                self._cursors[number] = place
                self._unfinished.add(number)

    def rewind(self) -> None:
        """Read everything due from the start again; what is loaded already is passed over."""
        self._cursors = {p.number: b"" for p in self._partitions}
        self._behind.clear()
        self._unfinished.update(self._cursors)

    def unload(self, delivery: DeliveryId) -> None:
        """It left memory: claimed and settled, or dropped."""
        lane = self._loaded.pop(delivery, None)
        if lane is not None:
            self._leave(lane)

    def renew_lane(self, head: DueHead) -> bool:
        """Count a loaded recipient under the lane that is its own by now; returns whether that is another one."""
        old, new = self._loaded.get(head.id), self._lane_of(head)
        if old is None or old == new:
            return False
        self._leave(old)
        self._lanes.setdefault(new, _LaneState()).loaded += 1
        self._loaded[head.id] = new
        return True

    def _leave(self, lane: Lane) -> None:
        state = self._lanes[lane]
        state.loaded -= 1
        if state.skipped:
            if state.loaded <= self.lane_limit // 2:
                self._hungry[lane] = None
        elif not state.loaded:
            del self._lanes[lane]

    def offer_again(self, head: DueHead) -> None:
        """Its lane has changed (its domain was resolved): load it under the new one, if that has room."""
        self.unload(head.id)
        self._offer(head, self._lane_of(head))

    def put_back(self, head: DueHead) -> None:
        """Leave a loaded recipient to the disk again: its lane finds it when it has room."""
        lane = self._loaded.get(head.id)
        if lane is None:
            return
        self._skip(self._lanes[lane], head)
        self.unload(head.id)

    def read(self, now: UnixMs) -> bool:
        """Read one page; returns whether there is more to read at once."""
        if self.full:
            return False
        if self._behind and not (self._unfinished and self._caught_up_last):
            self._caught_up_last = True
            self._catch_up(next(iter(self._behind)), now)
        elif self._unfinished:
            self._caught_up_last = False
            number = min(self._unfinished)
            self._unfinished.discard(number)
            self._read_on(number, now)
        elif self._hungry:
            lane = next(iter(self._hungry))
            del self._hungry[lane]
            self._refill(lane, now)
        return self.has_more()

    def has_more(self) -> bool:
        """Whether reading on would load more."""
        return not self.full and bool(self._unfinished or self._behind or self._hungry)

    def _read_on(self, number: PartitionNumber, now: UnixMs) -> None:
        partition = self._partition(number)
        page = partition.due(now, PAGE, self._cursors[number])
        for head in page.heads:
            if self.full:
                self._cursors[number] = _place(head)
                self._unfinished.add(number)
                return
            if head.id not in self._loaded:  # BL2: the newest millisecond is read twice
                self._offer(head, self._lane_of(head))
        if page.cursor is not None:
            self._cursors[number] = page.cursor
            self._unfinished.add(number)
            fresh = position(max(now - FRESH_MS, 0))
            if page.cursor < fresh and number not in self._behind:
                self._behind[number] = (page.cursor, fresh)  # BL1
                self._cursors[number] = fresh
        elif page.heads:
            # More may be committed within the same millisecond: begin there next time.
            self._cursors[number] = position(page.heads[-1].due)

    def _catch_up(self, number: PartitionNumber, now: UnixMs) -> None:
        """Read a page of the mountain."""
        start, end = self._behind.pop(number)
        page = self._partition(number).due(now, BEHIND_PAGE, start)
        for head in page.heads:
            place = _place(head)
            if place >= end:
                return  # it was read
            if self.full:
                self._behind[number] = (place, end)
                return
            if head.id not in self._loaded:  # BL2
                self._offer(head, self._lane_of(head))
        if page.cursor is not None and page.cursor < end:
            self._behind[number] = (page.cursor, end)

    def _refill(self, lane: Lane, now: UnixMs) -> None:
        state = self._lanes.get(lane)
        if state is None or not state.skipped:
            return
        number, start = next(iter(state.skipped.items()))
        page = self._partition(number).due(now, PAGE, start)
        del state.skipped[number]
        end = self._cursors[number]
        for head in page.heads:
            place = _place(head)
            if place >= end:  # reading on finds it
                self._unfinished.add(number)
                break
            if head.id in self._loaded:
                continue
            if self.full or state.loaded >= self.lane_limit:
                state.skipped[number] = place
                if state.loaded <= self.lane_limit // 2:
                    self._hungry[lane] = None  # memory is full, not the lane
                return
            self._offer(head, self._lane_of(head))  # its lane may be another one by now
        else:
            if page.cursor is not None and page.cursor < end:
                state.skipped[number] = page.cursor
        if state.skipped:
            self._hungry[lane] = None
        elif not state.loaded:
            del self._lanes[lane]

    def _offer(self, head: DueHead, lane: Lane) -> None:
        state = self._lanes.get(lane)
        if state is None:
            state = self._lanes[lane] = _LaneState()
        if state.loaded >= self.lane_limit:
            self._skip(state, head)
        else:
            self._take(head, lane, state)

    def _take(self, head: DueHead, lane: Lane, state: _LaneState) -> None:
        state.loaded += 1
        self._loaded[head.id] = lane
        self._load(head, lane)

    @staticmethod
    def _skip(state: _LaneState, head: DueHead) -> None:
        place = _place(head)
        known = state.skipped.get(head.partition)
        if known is None or place < known:
            state.skipped[head.partition] = place  # BL1

    def _partition(self, number: PartitionNumber) -> DueIndex:
        return next(p for p in self._partitions if p.number == number)


def _place(head: DueHead) -> bytes:
    return position(head.due, head.id.message_id, head.id.index)

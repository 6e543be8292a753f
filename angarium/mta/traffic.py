"""What goes where now, by source and provider, as far as only the delivery process knows. Changes nothing."""

from collections.abc import Iterator, Sequence

import msgspec

from angarium.mta.egress.egress_queue import EgressQueue
from angarium.mta.egress.lease import PlaceKey
from angarium.mta.egress.places import Places
from angarium.mta.egress.policy import Limits
from angarium.mta.egress.queues import EgressQueues
from angarium.mta.egress.reasons import LaneWait, Reasons
from angarium.mta.egress.traffic_counts import TrafficCounts, Windows
from angarium.queue.model import UnixMs


class PathTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """Of one source at one provider."""

    source: str
    provider: str
    waiting: int  # recipients in memory; more may be on disk only
    connections: int  # open, or being opened
    limits: Limits | None  # in force; None: nothing waits in memory
    windows: Windows
    # Our own policy keeps a lane waiting: why, until when, and how many lanes
    wait: str = ""
    wait_until: UnixMs | None = None
    lanes_waiting: int = 0
    # What kept every site of it from taking a connection
    suspended: str = ""
    suspended_until: UnixMs | None = None


class TrafficFinder:
    """Looks through what is in memory: some microseconds per egress queue, some more per path."""

    def __init__(
        self, places: Places, queues: EgressQueues, reasons: Reasons, counts: TrafficCounts
    ) -> None:
        self._places = places
        self._queues = queues
        self._reasons = reasons
        self._counts = counts

    def find(self, now: UnixMs) -> Iterator[PathTraffic]:
        """Yield each path in use. What is looked up for all of them is looked up now; others may work in between."""
        queues = self._queues.by_path()
        taken = dict(self._places.all_taken())
        waits: dict[PlaceKey, list[LaneWait]] = {}
        for each in self._reasons.reasons_of():
            if each.until > now:
                key = PlaceKey(source=each.source, provider=each.lane.provider)
                waits.setdefault(key, []).append(each)
        keys = dict.fromkeys([*queues, *taken, *self._counts.paths(now)])
        return (
            self._of(key, queues.get(key, ()), taken.get(key, 0), waits.get(key, ()), now)
            for key in keys
        )

    def limits(self) -> dict[PlaceKey, Limits]:
        """Return what is in force at each path for which something waits in memory."""
        return {key: queues[0].limits for key, queues in self._queues.by_path().items()}

    def loads(self) -> dict[PlaceKey, tuple[int, int]]:
        """Return recipients that wait in memory, and connections, of each path that has some."""
        waiting = {
            key: sum(each.waiting for each in queues)
            for key, queues in self._queues.by_path().items()
        }
        taken = self._places.all_taken()
        return {key: (waiting.get(key, 0), taken.get(key, 0)) for key in {**waiting, **taken}}

    def _of(
        self,
        key: PlaceKey,
        queues: Sequence[EgressQueue],
        taken: int,
        waits: Sequence[LaneWait],
        now: UnixMs,
    ) -> PathTraffic:
        suspensions = [found for queue in queues if (found := queue.find_suspension()) is not None]
        by, until = None, None
        if suspensions and len(suspensions) == len(queues):
            by, until = min(suspensions, key=lambda each: each[1])
        # A reason outlives its wait, as where a rule was undone: it stands while something waits
        last = waits[0] if any(map(_waits, queues)) and waits else None
        return PathTraffic(
            source=key.source,
            provider=key.provider,
            waiting=sum(each.waiting for each in queues),
            connections=taken,
            limits=queues[0].limits if queues else None,
            windows=self._counts.find(key, now),
            wait="" if last is None else last.reason,
            wait_until=None if last is None else last.until,
            lanes_waiting=0 if last is None else len(waits),
            suspended="" if by is None else by.attempt.text,
            suspended_until=until,
        )


def _waits(queue: EgressQueue) -> bool:
    """Whether our own policy keeps something of it waiting now."""
    return queue.ready.next_until is not None or queue.find_opening_wait() is not None

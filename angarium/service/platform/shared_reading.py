"""The newest events, read from the log and decoded once for all who follow it in one process."""

from bisect import bisect_right
from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from angarium.queue import EventLog, MessageAccepted, Position

# Ours: some batches of ordinary mail, by which followers are apart
KEPT_OCTETS: Final = 4 << 20
_EVENT_OCTETS: Final = 1_000  # about, in memory
_RECIPIENT_OCTETS: Final = 100
_sequence: Final = attrgetter("sequence")


class SharedReading:
    """What ``EventLog.read`` returns, for followers of one event loop. Who lags far behind reads for itself.

    Invariant EF4: what is remembered is a stretch of the log without gaps, and no event comes or changes in front of
    the newest that anybody has read; so each reads what it would have read from the log.
    """

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._kept: list[Position] = []  # in order
        self._octets = 0  # of these, about

    def read(self, after: int, limit: int) -> list[Position]:
        kept = self._kept
        if not kept or not kept[0].sequence - 1 <= after <= kept[-1].sequence:
            read = self._events.read(after, limit)
            if read and (not kept or after > kept[-1].sequence):
                self._kept, self._octets = [], 0  # EF4
                self._keep(read)
            return read
        first = bisect_right(kept, after, key=_sequence)
        found = kept[first : first + limit]
        if len(found) < limit and (
            more := self._events.read(kept[-1].sequence, limit - len(found))
        ):
            found += more
            self._keep(more)
        return found

    def _keep(self, more: list[Position]) -> None:
        """Remember them, and forget the oldest where that is too much."""
        kept = self._kept
        kept += more
        self._octets += _octets_of(more)
        while self._octets > KEPT_OCTETS:
            oldest = kept[: 1 + len(kept) // 8]
            del kept[: len(oldest)]
            self._octets -= _octets_of(oldest)


def _octets_of(positions: Iterable[Position]) -> int:
    return sum(
        _EVENT_OCTETS + len(event.about) + _RECIPIENT_OCTETS * len(event.recipients)
        if isinstance(event := each.event, MessageAccepted)
        else _EVENT_OCTETS
        for each in positions
    )

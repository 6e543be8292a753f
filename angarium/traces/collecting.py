"""Which messages are traced, and what is in memory of them. Pure: times are arguments."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

from angarium.queue import Event, MessageAccepted, MessageId, UnixMs
from angarium.traces.context import is_wanted, trace_id_of
from angarium.traces.span import Span
from angarium.traces.story import CONCERNS, MessageStory, parent_of

# Ours: some 2 KB each
MOST_OPEN: Final = 20_000


class Collected(msgspec.Struct, kw_only=True):
    """Since the start."""

    finished: int = 0
    partial: int = 0


class _Open(msgspec.Struct, kw_only=True):
    story: MessageStory
    since: UnixMs  # when spans of it were last sent, or it came


class TraceCollector:
    """Invariant TCL1: at most ``most`` messages are in memory; beyond them, the oldest is sent as far as it is known.

    Invariant TCL2: whether a message is traced depends on its trace id alone, or on what its request said.
    """

    def __init__(self, ratio: float, partial_after_ms: int, most: int = MOST_OPEN) -> None:
        self.ratio = ratio  # may change at any time, as the next
        self.partial_after_ms = partial_after_ms
        self._most = most
        self._open: OrderedDict[MessageId, _Open] = OrderedDict()
        self.counts = Collected()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def limit(self) -> int:
        return self._most

    def lacks(self, event: Event) -> bool:
        """Whether an event is about a message that is traced, and of which nothing is in memory: after a restart."""
        return (
            isinstance(event, CONCERNS)
            and event.message_id not in self._open
            and is_wanted(trace_id_of(event.message_id), self.ratio)
        )

    def tell(self, event: Event, now: UnixMs) -> list[Span]:
        """Hear of the next event; return the spans of a message that is over by it, or has to make room."""
        if isinstance(event, MessageAccepted):
            return self._begin(event, now)
        found = self._open.get(event.message_id)
        if found is None:
            return []
        found.story.tell(event)
        return self._end(event.message_id) if found.story.is_over else []

    def resume(self, events: Iterable[Event], now: UnixMs) -> list[Span]:
        """Take a message up again, by all of its events so far: as after a restart."""
        spans: list[Span] = []
        for event in events:
            spans += self.tell(event, now)
        return spans

    def overdue(self, now: UnixMs) -> list[Span]:
        """Return what is known of messages that are not over for so long."""
        spans: list[Span] = []
        while self._open:
            id_, first = next(iter(self._open.items()))
            if now - first.since < self.partial_after_ms:
                break
            taken = first.story.take()
            self.counts.partial += bool(taken)
            spans += taken
            first.since = now
            self._open.move_to_end(id_)
        return spans

    def close(self) -> list[Span]:
        """Return what is known of all; after a restart they are taken up again."""
        return [span for each in self._open.values() for span in each.story.take()]

    def _begin(self, event: MessageAccepted, now: UnixMs) -> list[Span]:
        parent = parent_of(event)
        is_chosen = is_wanted(trace_id_of(event.message_id), self.ratio)
        if not (is_chosen if parent is None else parent.is_sampled):  # TCL2
            return []
        self._open[event.message_id] = _Open(story=MessageStory(event), since=now)
        if len(self._open) <= self._most:
            return []
        _, oldest = self._open.popitem(last=False)  # TCL1
        self.counts.partial += 1
        return oldest.story.take()

    def _end(self, id_: MessageId) -> list[Span]:
        self.counts.finished += 1
        return self._open.pop(id_).story.take()

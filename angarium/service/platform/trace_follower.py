"""Makes traces of the event log, for a collector: a consumer that waits for nobody."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from angarium.queue import EventCursor, MessageId, Position, ShownMessage, UnixMs
from angarium.traces.collecting import TraceCollector
from angarium.traces.span import Span

TRACING: Final = "tracing"
# What its cursor has once it has begun: then it goes on where it was
_BEGUN: Final = b"1"

Show = Callable[[MessageId], Awaitable[ShownMessage | None]]


class TraceFollower:
    """An EventConsumer. What is in memory of messages that are not over is made anew from their events.

    A crash loses the spans that wait for the collector: traces are no record.
    """

    def __init__(
        self,
        collector: TraceCollector,
        offer: Callable[[Sequence[Span]], None],
        show: Show,
        last: Callable[[], int],
        clock: Callable[[], UnixMs],
    ) -> None:
        """``show``: all that happened to a message, as far as events are kept; ``last``: the newest event's number."""
        self._collector = collector
        self._offer = offer
        self._show = show
        self._last = last
        self._clock = clock

    @property
    def name(self) -> str:
        return TRACING

    async def begin(self, cursor: EventCursor) -> int:
        """Go on; the first time with what is new, not with what is days old."""
        return cursor.position if cursor.state == _BEGUN else self._last()

    async def handle(self, batch: Sequence[Position]) -> bytes:
        now = self._clock()
        spans: list[Span] = []
        for position in batch:
            if self._collector.lacks(position.event):
                spans += await self._resumed(position, now)
            else:
                spans += self._collector.tell(position.event, now)
        self._offer(spans)
        return _BEGUN

    def tell_overdue(self) -> None:
        self._offer(self._collector.overdue(self._clock()))

    async def _resumed(self, position: Position, now: UnixMs) -> list[Span]:
        """Of a message that was accepted before a restart, or that made room: by its events up to this one."""
        shown = await self._show(position.event.message_id)
        if shown is None:
            return []
        known = [each.event for each in shown.events if each.sequence <= position.sequence]
        return self._collector.resume(known, now)

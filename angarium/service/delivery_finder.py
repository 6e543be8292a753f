"""Finds how mail left that somebody says something of later: by which source, to which provider, and when.

Of the events of its message, as far as they are kept.
"""

from typing import Final

from angarium.queue import (
    Complained,
    Delivered,
    Event,
    EventLog,
    Relayed,
    ReportBounced,
    UnixMs,
    Unsubscribed,
    message_id_ms,
)
from angarium.queue.administration import QueueAdministration

Delivery = Delivered | Relayed
Feedback = Complained | ReportBounced | Unsubscribed
# Ours: most mail leaves at once, and is found within so many events behind its acceptance
NEAR: Final = 2_000
_READ_AT_ONCE: Final = 250


class DeliveryFinder:
    def __init__(self, events: EventLog, queue: QueueAdministration) -> None:
        self._events = events
        self._queue = queue

    async def find(self, feedback: Feedback) -> Delivery | None:
        """Return the delivery; None: its events are kept no more, or it never was. Costs little for most mail."""
        accepted = message_id_ms(feedback.message_id)
        oldest = next(iter(self._events.read(0, 1)), None)
        near = self._find_near(feedback, accepted, 1 if oldest is None else oldest.sequence)
        if near is not None or oldest is None or oldest.event.at > accepted:
            return near  # all events would be looked through for what is kept no more
        shown = await self._queue.show(feedback.message_id)
        for each in () if shown is None else shown.events:
            if (found := _find_delivery(each.event, feedback)) is not None:
                return found
        return None

    def _find_near(self, feedback: Feedback, accepted: UnixMs, oldest: int) -> Delivery | None:
        after = self._first_at(accepted, oldest) - 1
        for _ in range(NEAR // _READ_AT_ONCE):
            batch = self._events.read(after, _READ_AT_ONCE)
            for each in batch:
                if (found := _find_delivery(each.event, feedback)) is not None:
                    return found
            if len(batch) < _READ_AT_ONCE:
                return None
            after = batch[-1].sequence
        return None

    def _first_at(self, at: UnixMs, oldest: int) -> int:
        """Return the number of about the first event as late as ``at``: they are nearly in the order of time."""
        low, high = oldest, self._events.last() + 1
        while low < high:
            middle = (low + high) // 2
            found = self._events.read(middle - 1, 1)
            if found and found[0].event.at < at:
                low = found[0].sequence + 1
            else:
                high = middle
        return low


def _find_delivery(event: Event, feedback: Feedback) -> Delivery | None:
    """Return the event if it is the delivery. A recipient whose index is not known is told by its address."""
    match event:
        case Delivered() | Relayed():
            is_same = event.message_id == feedback.message_id
            by_index = event.index == feedback.index
            by_address = feedback.index < 0 and event.recipient == feedback.recipient
            return event if is_same and (by_index or by_address) else None
        case _:
            return None

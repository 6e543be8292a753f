"""Finds how mail left that somebody says something of later: by which source, to which provider, and when.

Of the events of its message, as far as they are kept.
"""

from collections import OrderedDict
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
# At first; each time twice as many
FIRST_READ: Final = 16
# Ours: several who follow the events ask for the same deliveries within a short time
REMEMBERED: Final = 2_000


class DeliveryFinder:
    def __init__(self, events: EventLog, queue: QueueAdministration) -> None:
        self._events = events
        self._queue = queue
        self._found: OrderedDict[tuple[bytes, int, str], Delivery] = OrderedDict()

    async def find(self, feedback: Feedback) -> Delivery | None:
        """Return the delivery; None: its events are kept no more, or it never was. Costs little for most mail."""
        key = (feedback.message_id, feedback.index, feedback.recipient)
        found = self._found.get(key) or await self._look_for(feedback)
        if found is not None:
            self._found[key] = found
            if len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
        return found

    async def _look_for(self, feedback: Feedback) -> Delivery | None:
        accepted = message_id_ms(feedback.message_id)
        oldest = next(iter(self._events.read(0, 1)), None)
        if oldest is None or oldest.event.at > accepted:
            return None  # its events are kept no more: a thousand others would be read for nothing
        near = self._find_near(feedback, accepted, oldest.sequence)
        if near is not None:
            return near
        shown = await self._queue.show(feedback.message_id)
        for each in () if shown is None else shown.events:
            if (found := _find_delivery(each.event, feedback)) is not None:
                return found
        return None

    def _find_near(self, feedback: Feedback, accepted: UnixMs, oldest: int) -> Delivery | None:
        first = self._first_at(accepted, oldest)
        after, number = first - 1, FIRST_READ
        while after < first + NEAR:
            batch = self._events.read(after, number)
            for each in batch:
                if (found := _find_delivery(each.event, feedback)) is not None:
                    return found
            if len(batch) < number:
                return None
            after, number = batch[-1].sequence, 2 * number
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

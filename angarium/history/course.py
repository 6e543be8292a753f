"""How far one message has come, event by event: what the projection keeps of it beside the events themselves. Pure."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from angarium.history.introducing import due_of
from angarium.history.status import Progress, Status, first_progress, message_status, progress_after
from angarium.queue.event_log import Position
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.delivered import Delivered
from angarium.queue.events.relayed import Relayed
from angarium.queue.events.report_shape import FeedbackEvent
from angarium.queue.events.rescheduled import Rescheduled
from angarium.queue.events.shape import MessageEvent, RecipientEvent
from angarium.queue.model import MessageId, UnixMs

# Of one recipient on disk: the queue's status, then what was told, 0 for nothing
_STATE_OCTETS: Final = 2
_STATUS: Final = {int(each): each for each in Status}


class Course(msgspec.Struct, kw_only=True):
    """One row of ``message``, changed by ``take``.

    Invariant HC1: it is a function of the message's events in their order, and of nothing else.
    """

    number: int  # the sequence number of its accepted event
    id: MessageId
    tenant: str
    created: UnixMs
    due: UnixMs  # of the first attempt, if that was put off; 0: it was not
    updated: UnixMs
    sent: UnixMs | None = None
    states: bytearray

    def take(self, event: MessageEvent, index: int | None) -> None:
        """``index``: of the recipient that it is about; None: of the message, or of nobody that is known."""
        self.updated = max(self.updated, event.at)
        if isinstance(event, Delivered | Relayed) and self.sent is None:
            self.sent = event.at
        if isinstance(event, Rescheduled):  # each recipient has this event
            self.due = event.due
        if index is None:
            return
        at = index * _STATE_OCTETS
        before = _progress(self.states[at], self.states[at + 1])
        after = progress_after(before, event)  # HC1
        if after is not before:
            self.states[at : at + _STATE_OCTETS] = _octets(after)

    @property
    def statuses(self) -> list[Status]:
        """Return each recipient's, by index."""
        states = self.states
        return [
            _progress(states[at], states[at + 1]).status
            for at in range(0, len(states), _STATE_OCTETS)
        ]

    @property
    def status(self) -> Status:
        return message_status(self.statuses)

    @property
    def recipients(self) -> int:
        return len(self.states) // _STATE_OCTETS


def begin_course(sequence: int, accepted: MessageAccepted) -> Course:
    due = due_of(accepted)
    first = _octets(first_progress(accepted.at, due))
    return Course(
        number=sequence,
        id=accepted.message_id,
        tenant=accepted.tenant,
        created=accepted.at,
        due=due,
        updated=accepted.at,
        states=bytearray(first * len(accepted.recipients)),
    )


def retrace(events: Sequence[Position]) -> Course | None:
    """Return how far a message is by all of its events. None: its first one is not among them."""
    first = events[0] if events else None
    if first is None or not isinstance(first.event, MessageAccepted):
        return None
    addresses = first.event.recipients
    course = begin_course(first.sequence, first.event)
    for each in events[1:]:
        if isinstance(each.event, MessageEvent):
            course.take(each.event, find_index(each.event, len(addresses), lambda: addresses))
    return course


def find_index(
    event: MessageEvent, recipients: int, addresses: Callable[[], Sequence[str]]
) -> int | None:
    """Return the index of whom the event is about, as far as it says it and there is one.

    ``addresses``: of the recipients, by index; asked only where the event knows nobody but by the address.
    """
    if not isinstance(event, RecipientEvent | FeedbackEvent):
        return None
    if event.index >= 0:
        return event.index if event.index < recipients else None
    folded = event.recipient.casefold()
    return next((at for at, each in enumerate(addresses()) if each.casefold() == folded), None)


def _progress(queue: int, told: int) -> Progress:
    return Progress(queue=_STATUS[queue], told=_STATUS.get(told))


def _octets(progress: Progress) -> bytes:
    return bytes((progress.queue, progress.told or 0))

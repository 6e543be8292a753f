"""How far a message has come: a word for each of its recipients, and one for the whole. Pure."""

import enum
from collections.abc import Iterable
from typing import Final

import msgspec

from angarium.feedback.mail.complaints import is_complaint
from angarium.queue.events import (
    AttemptFailed,
    Bounced,
    Cancelled,
    Clicked,
    Complained,
    Damaged,
    Delivered,
    Expired,
    InDoubt,
    Opened,
    OperatorReleased,
    OperatorRetried,
    RecipientSuppressed,
    Relayed,
    ReportBounced,
    Rescheduled,
    SesTold,
    Skipped,
)
from angarium.queue.events.shape import EventHead
from angarium.queue.model import UnixMs


class Status(enum.IntEnum):
    """In the order of how far it is. The numbers are on disk: none is ever given another meaning."""

    CREATED = 10  # accepted, and due at once
    SCHEDULED = 20  # its first attempt is due later
    READY_TO_SEND = 30  # that time has come
    DEFERRED = 40  # an attempt failed, another one follows
    SENDING = 50  # we died during an attempt; it may have been delivered, and is tried again
    SENT = 60  # the next hop took it, which is not the recipient's own host
    DELIVERED = 70  # the recipient's host took it
    OPENED = 80
    CLICKED = 90
    # Final: nothing more is to come of these
    CANCELLED = 100
    SUPPRESSED = 110
    EXPIRED = 120
    BOUNCED = 130
    COMPLAINED = 140

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def is_final(self) -> bool:
        return self >= Status.CANCELLED


WORDS: Final = {each.word: each for each in Status}
_WAITING: Final = frozenset({Status.CREATED, Status.SCHEDULED})
_TAKEN: Final = frozenset({Status.SENT, Status.DELIVERED})
_SES: Final = {
    "delivery": Status.DELIVERED,
    "reject": Status.BOUNCED,
    "rendering-failure": Status.BOUNCED,
}


class Progress(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far one recipient is: as the queue says, and as was told when the message had left it.

    HP1: what was told counts only for what the queue has sent; so it does not matter which is written first.
    """

    queue: Status
    told: Status | None = None

    @property
    def status(self) -> Status:
        if self.told is None or self.queue not in _TAKEN:  # HP1
            return self.queue
        return max(self.queue, self.told)


def first_progress(accepted: UnixMs, due: UnixMs) -> Progress:
    """Return how far each recipient of a new message is; ``due``: of its first attempt, 0: at once."""
    return Progress(queue=Status.SCHEDULED if due > accepted else Status.CREATED)


def progress_after(progress: Progress, event: EventHead) -> Progress:
    """Return how far a recipient is after an event about it. What says nothing of that changes nothing.

    The queue's last word counts; of what was told, the furthest: a click says that it was opened, a complaint that it
    arrived, and who opened a message may complain. What a machine fetched says nothing.
    """
    queue, told = progress.queue, progress.told
    match event:
        case Delivered():
            queue = Status.DELIVERED
        case Relayed():
            queue = Status.SENT
        case AttemptFailed():
            queue = Status.DEFERRED
        case InDoubt():
            queue = Status.SENDING
        case Bounced() | Damaged():
            queue = Status.BOUNCED
        case Expired() | Skipped():
            queue = Status.EXPIRED
        case Cancelled():
            queue = Status.CANCELLED
        case RecipientSuppressed():
            queue = Status.SUPPRESSED
        case OperatorReleased() | OperatorRetried() if queue in _WAITING:
            queue = Status.READY_TO_SEND
        case Rescheduled():
            queue = Status.SCHEDULED if event.due > event.at else Status.READY_TO_SEND
        case ReportBounced():
            told = _further(told, Status.BOUNCED)
        case Complained() if is_complaint(event.feedback_type):
            told = _further(told, Status.COMPLAINED)
        case Opened() if event.verdict != "machine":
            told = _further(told, Status.OPENED)
        case Clicked() if event.verdict != "machine":
            told = _further(told, Status.CLICKED)
        case SesTold() if event.kind in _SES:
            told = _further(told, _SES[event.kind])
        case _:
            return progress
    return Progress(queue=queue, told=told)


def _further(told: Status | None, now: Status) -> Status:
    return now if told is None else max(told, now)


def status_at(status: Status, due: UnixMs, now: UnixMs) -> Status:
    """Return what a status has become by the passing of time alone: what was scheduled for now is ready."""
    return Status.READY_TO_SEND if status is Status.SCHEDULED and due <= now else status


def message_status(recipients: Iterable[Status]) -> Status:
    """Return the one word for a message: the least advanced status that is not final; where all are, the furthest.

    So one of a thousand that waits keeps the message waiting, one delivered and one bounced are "delivered" (the
    recipients have their own), and a message is "bounced" only when nobody has it. Raises ValueError without any.
    """
    all_of_them = list(recipients)
    open_ones = [each for each in all_of_them if not each.is_final]
    return min(open_ones) if open_ones else max(all_of_them)

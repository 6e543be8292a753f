"""What an event of a message says of the row that it is of. Pure."""

from angarium.feedback.mail.complaints import is_complaint
from angarium.queue.events import (
    AttemptFailed,
    Bounced,
    Cancelled,
    Clicked,
    Complained,
    Damaged,
    Delivered,
    Event,
    Expired,
    Opened,
    RecipientSuppressed,
    Relayed,
    ReportBounced,
    SesTold,
    Skipped,
    Unsubscribed,
)
from angarium.queue.ledger.values import Flag, RowState, Told


def told_of(event: Event) -> Told | None:
    """Return None for what changes nothing of a row."""
    match event:
        case AttemptFailed():
            return _told(event, RowState.DEFERRED, event.attempt.text)
        case Delivered():
            return _told(event, RowState.DELIVERED)
        case Relayed():
            return _told(event, RowState.SENT)
        case Bounced():
            return _told(event, RowState.BOUNCED, event.reason or event.attempt.text)
        case Expired():
            return _told(event, RowState.EXPIRED, event.attempt.text)
        case RecipientSuppressed():
            return _told(event, RowState.SUPPRESSED, f"suppressed: {event.cause}")
        case Cancelled():
            return _told(event, RowState.CANCELLED, event.reason)
        case Skipped():
            return _told(event, RowState.SKIPPED, event.reason)
        case Damaged():
            return _told(event, RowState.DAMAGED, event.reason)
        case ReportBounced():
            return _told(event, RowState.BOUNCED, event.reply)
        case SesTold() if event.kind == "delivery":
            return _told(event, RowState.DELIVERED)
        case SesTold() if event.kind in ("reject", "rendering-failure"):
            return _told(event, RowState.BOUNCED, event.reply)
        case Opened():
            return _read(event, Flag.OPENED, Flag.MACHINE_OPENED)
        case Clicked():
            return _read(event, Flag.CLICKED, Flag.MACHINE_CLICKED)
        case Complained() if is_complaint(event.feedback_type):
            return Told(message=event.message_id, at=event.at, flag=Flag.COMPLAINED)
        case Unsubscribed():
            return Told(message=event.message_id, at=event.at, flag=Flag.UNSUBSCRIBED)
        case _:
            return None


def _read(event: Opened | Clicked, by_person: Flag, by_machine: Flag) -> Told:
    """Where nobody has judged, a person is meant. Of whom nobody is to know it, it only counts."""
    flag = by_machine if event.verdict == "machine" else by_person
    is_unnamed = event.index < 0 and not event.recipient
    flag |= Flag.UNNAMED if is_unnamed else Flag.NONE
    return Told(message=event.message_id, at=event.at, flag=flag)


def _told(event: Event, state: RowState, reason: str = "") -> Told:
    return Told(message=event.message_id, at=event.at, state=state, reason=reason)

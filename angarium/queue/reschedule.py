"""What became of the wish to give a message another start. Values. Pure."""

from typing import Final

import msgspec

from angarium.queue.model import UnixMs

# The end of what a date can be, as on disk: the year 9999
LAST_MS: Final = 253_402_300_799_999


class StartMoved(msgspec.Struct, frozen=True, kw_only=True, tag="moved"):
    """All of its recipients that are in the queue have the new start; on disk, with an event each."""

    due: UnixMs  # not before now, nor before the period that its quota has room in
    expires: UnixMs
    recipients: int


class AlreadyLeaving(msgspec.Struct, frozen=True, tag="leaving"):
    """An attempt of one of its recipients was made or is under way. Nothing was changed."""


class NotInQueue(msgspec.Struct, frozen=True, tag="unknown"):
    """No such message waits in the queue, or it is another tenant's. Nothing was changed."""


class AfterExpiry(msgspec.Struct, frozen=True, kw_only=True, tag="after_expiry"):
    """Its sender said that its time is over before that. Nothing was changed."""

    expires: UnixMs


RescheduleOutcome = StartMoved | AlreadyLeaving | NotInQueue | AfterExpiry


def check_start(due: UnixMs) -> None:
    """Raises ValueError."""
    if not 0 <= due <= LAST_MS:
        raise ValueError("a start is before the year 10000")


def expires_after(
    *, expires: UnixMs, is_given: bool, start: UnixMs, due: UnixMs
) -> UnixMs | AfterExpiry:
    """Return when the time of a message is over whose start is moved from ``start`` to ``due``."""
    if not is_given:
        return UnixMs(expires + due - start)
    return expires if due < expires else AfterExpiry(expires=expires)

"""The times of Mailgun's API: those of RFC 5322, in numbers of an offset or the names that mail has. Pure."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from angarium.api.compat.faults import invalid
from angarium.api.compat.moments import read_moment
from angarium.intake.order import FaultError
from angarium.queue.model import UnixMs

_LAST_MS: Final = 253_402_300_799_000
_CHARACTERS: Final = 64  # ours: none is longer


def read_time(text: str, field: str) -> UnixMs:
    """Return a time of RFC 5322, or seconds since 1970, with fractions or without. Raises FaultError."""
    if len(text) <= _CHARACTERS:
        try:
            if text[:1].isdigit() and "," not in text and "-" not in text:
                return UnixMs(_within(float(text) * 1000))
            at = parsedate_to_datetime(text)
            return UnixMs(_within(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1000))
        except (ValueError, TypeError, IndexError, OverflowError):
            pass
    raise FaultError(invalid(field, "is no time like Fri, 25 Oct 2030 23:10:10 +0000"))


def _within(ms: float) -> int:
    """Raises ValueError, OverflowError."""
    if not 0 <= ms <= _LAST_MS:
        raise ValueError("before 1970, or after 9999")
    return int(ms)


def read_delivery_time(text: str, field: str, now: UnixMs) -> UnixMs:
    """Return ``Fri, 14 Oct 2011 23:10:10 -0000``, or a time of RFC 3339. Raises FaultError."""
    if len(text) <= _CHARACTERS and "," in text:
        try:
            at = parsedate_to_datetime(text)
            return UnixMs(int(at.replace(tzinfo=at.tzinfo or UTC).timestamp()) * 1000)
        except (ValueError, TypeError, IndexError, OverflowError):
            pass
    elif text[:1].isdigit():
        return read_moment(text, field, now)
    reason = "is no time like Fri, 25 Oct 2030 23:10:10 +0000"
    raise FaultError(invalid(field, reason))

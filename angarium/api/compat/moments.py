"""When something is to be sent, as vendors' clients write it: RFC 3339, "in 5 minutes". Pure; now is an argument."""

import re
from datetime import UTC, datetime
from typing import Final

from angarium.api.compat.faults import invalid
from angarium.intake.order import FaultError
from angarium.queue.model import UnixMs

_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(?:([Zz])|([+-]\d\d):?(\d\d)?)"
)
_IN: Final = re.compile(r"in (\d{1,6}|an?) ?([a-z]+?)s?\.?", re.IGNORECASE)
_UNIT_MS: Final = {
    **dict.fromkeys(("s", "sec", "second"), 1_000),
    **dict.fromkeys(("m", "min", "minute"), 60_000),
    **dict.fromkeys(("h", "hr", "hour"), 3_600_000),
    **dict.fromkeys(("d", "day"), 86_400_000),
    **dict.fromkeys(("w", "week"), 7 * 86_400_000),
}
_FURTHEST_MS: Final = UnixMs(253_402_300_799_000)  # the last second of the year 9999


def read_moment(text: str, field: str, now: UnixMs) -> UnixMs:
    """Return what ``2030-01-01T00:00:00+00:00`` or ``in 5 minutes`` says. Raises FaultError.

    Other words, and times without their offset, are refused: they would be guessed.
    """
    text = text.strip()
    if (words := _IN.fullmatch(text)) is not None and words[2].lower() in _UNIT_MS:
        count = int(words[1]) if words[1].isdigit() else 1
        return UnixMs(min(now + count * _UNIT_MS[words[2].lower()], _FURTHEST_MS))
    if (written := _RFC3339.fullmatch(text)) is not None:
        day, time, fraction, _, hours, minutes = written.groups()
        try:
            moment = datetime.fromisoformat(f"{day}T{time}{hours or '+00'}:{minutes or '00'}")
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise FaultError(invalid(field, "is a date or time that is none")) from None
        return UnixMs(int(moment.timestamp()) * 1000 + int((fraction or "")[:3].ljust(3, "0")))
    raise FaultError(
        invalid(
            field, "is no time: write 2030-01-31T09:00:00Z, with its offset, or like in 5 minutes"
        )
    )


def read_unix_seconds(seconds: int, field: str) -> UnixMs:
    """Raises FaultError for what is before 1970 or after the year 9999."""
    if not 0 <= seconds * 1000 <= _FURTHEST_MS:
        raise FaultError(invalid(field, "is no time in seconds since 1970"))
    return UnixMs(seconds * 1000)

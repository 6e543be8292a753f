"""Which days are meant by what somebody wrote. Pure."""

from datetime import date
from typing import Final

import msgspec

from angarium.receiver_reports.asked import MAX_DAYS

_EPOCH: Final = date(1970, 1, 1)
USUAL_DAYS: Final = 30


class SpanError(ValueError):
    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field = field


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """Since 1970, UTC."""

    first: int
    end: int  # behind the last one


def read_days(first: str, to: str, today: int, usual: int = USUAL_DAYS) -> Days:
    """``first`` and ``to``: 2026-07-01, or ""; both days are in it. Raises SpanError."""
    last = _day("to", to) if to else today
    begin = _day("from", first) if first else last - usual + 1
    if begin > last:
        raise SpanError("from", f"{first} is behind the last day")
    if last - begin >= MAX_DAYS:
        raise SpanError("from", f"ask for at most {MAX_DAYS} days")
    return Days(first=begin, end=last + 1)


def _day(field: str, text: str) -> int:
    try:
        if len(text) != 10:
            raise ValueError
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise SpanError(field, f"{text[:40]!r} is no day; write one like 2026-07-01") from None

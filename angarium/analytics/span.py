"""Which hours are asked for, as people and programs write it, and hours and days as they are shown. Pure."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

import msgspec

from angarium.analytics.asked import MAX_HOURS, By
from angarium.analytics.counters import DAY_HOURS, HOUR_MS
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+([Zz]|[+-][0-9:]+)")
_HINT: Final = "write 2026-07-01 or 2026-07-01T10:00:00Z"
_USUAL_DAYS: Final = 6  # before the last one
_HOUR: Final = timedelta(hours=1)
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SpanError(ValueError):
    def __init__(self, field: Literal["from", "to"], text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field: Final = field


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Hours since the beginning of 1970, UTC."""

    first: int
    end: int  # behind the last one


def read_span(first: str, to: str, now: UnixMs) -> Span:
    """Return the hours that two dates or times mean, whole ones that have all between them.

    ``first`` "": the day six days before the last one; ``to`` "": the present hour, and of a date the whole day.
    Raises SpanError.
    """
    if not to:
        end = now // HOUR_MS + 1
    elif (day := _day(to, "to")) is not None:
        end = (day + 1) * DAY_HOURS
    else:
        end = -((_BEGINNING - _time(to, "to")) // _HOUR)  # the hour that begins then, or next
    if not first:
        begin = ((end - 1) // DAY_HOURS - _USUAL_DAYS) * DAY_HOURS
    elif (day := _day(first, "from")) is not None:
        begin = day * DAY_HOURS
    else:
        begin = (_time(first, "from") - _BEGINNING) // _HOUR
    if begin >= end:
        raise SpanError("from", "is not before `to`")
    if end - begin > MAX_HOURS:
        days = MAX_HOURS // DAY_HOURS
        raise SpanError("from", f"is more than {days} days before `to`: ask for less at a time")
    return Span(first=begin, end=end)


def key_shown(by: By, key: str | int | None) -> str | None:
    """Return what a row's key is called."""
    if not isinstance(key, int):
        return key
    hours = key * DAY_HOURS if by == "day" else key
    text = rfc3339(hours * HOUR_MS)
    return text[:10] if by == "day" else text


def _day(text: str, field: Literal["from", "to"]) -> int | None:
    """Return the days since 1970; None: it is no date."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return (date.fromisoformat(text) - _BEGINNING.date()).days
    except ValueError:
        raise SpanError(field, f"{text} is no day; {_HINT}") from None


def _time(text: str, field: Literal["from", "to"]) -> datetime:
    try:
        if _TIME.fullmatch(text) is None:
            raise ValueError
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise SpanError(field, f"{text[:40]!a} is no time; {_HINT}") from None

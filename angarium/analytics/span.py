"""Which time is asked for, as people and programs write it, and times as they are shown. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

import msgspec

from angarium.analytics.asked import MAX_SPAN, TIMES, By, Key
from angarium.analytics.counters import DAY_MS, HOUR_MS, MINUTE_MS, MINUTES, Resolution
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+([Zz]|[+-][0-9:]+)")
_HINT: Final = "write 2026-07-01 or 2026-07-01T10:00:00Z"
_USUAL_DAYS: Final = 6  # before the last one
_MILLISECOND: Final = timedelta(milliseconds=1)
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SpanError(ValueError):
    def __init__(self, field: Literal["from", "to", "resolution"], text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field: Final = field


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Of whole minutes or hours. The first and last of its days may be asked for in part where nothing else is in them:
    what is still to come.
    """

    resolution: Resolution  # which counters have it, the coarsest ones that do
    first_ms: UnixMs
    end_ms: UnixMs

    @property
    def first(self) -> int:
        """In units of the resolution, since 1970."""
        return self.first_ms // _unit_ms(self.resolution)

    @property
    def end(self) -> int:
        return -(-self.end_ms // _unit_ms(self.resolution))


def read_span(
    first: str, to: str, now: UnixMs, by: Sequence[By] = (), resolution: Resolution | None = None
) -> Span:
    """Return the minutes, hours or days that two dates or times mean, whole ones that have all between them.

    ``first`` "": the day six days before the last one, of minutes an hour before. ``to`` "": the present minute or
    hour, and of a date the whole day. ``resolution``: None, the coarsest one that has the same. Raises SpanError.
    """
    finest = resolution or _finest(by)
    for each in by:
        if each in TIMES and MINUTES[each] < MINUTES[finest]:
            raise SpanError("resolution", f"{finest}s are not by {each}: leave it out")
    unit_ms = _unit_ms(finest)
    end = _end(to, now, unit_ms)
    begin = _first(first, end, finest)
    if begin >= end:
        raise SpanError("from", "is not before `to`")
    if resolution is None and finest == "hour" and "hour" not in by and begin % DAY_MS == 0:
        # Nothing is counted in what is still to come: a day that is not over is asked for as a whole
        finest = "day" if end % DAY_MS == 0 or end > now else "hour"
    found = Span(resolution=finest, first_ms=UnixMs(begin), end_ms=UnixMs(end))
    if found.end - found.first > MAX_SPAN[finest]:
        text = f"is more than {MAX_SPAN[finest]:,} {finest}s before `to`: ask for less at a time"
        raise SpanError("from", text)
    return found


def key_shown(by: By, key: Key) -> str | None:
    """Return what a row's key is called."""
    if not isinstance(key, int):
        return key
    assert by in TIMES
    text = rfc3339(key * _unit_ms(by))
    return text[:10] if by == "day" else text


def _finest(by: Sequence[By]) -> Resolution:
    return "minute" if "minute" in by else "hour"


def _unit_ms(resolution: Resolution) -> int:
    return MINUTES[resolution] * MINUTE_MS


def _end(to: str, now: UnixMs, unit_ms: int) -> int:
    if not to:
        return (now // unit_ms + 1) * unit_ms
    day = _day(to, "to")
    if day is not None:
        return (day + 1) * DAY_MS
    return -(-_time(to, "to") // unit_ms) * unit_ms  # the one that begins then, or next


def _first(first: str, end: int, finest: Resolution) -> int:
    if not first:
        if finest == "minute":
            return end - HOUR_MS
        return ((end - 1) // DAY_MS - _USUAL_DAYS) * DAY_MS
    day = _day(first, "from")
    if day is not None:
        return day * DAY_MS
    unit_ms = _unit_ms(finest)
    return _time(first, "from") // unit_ms * unit_ms


def _day(text: str, field: Literal["from", "to"]) -> int | None:
    """Return the days since 1970; None: it is no date."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return (date.fromisoformat(text) - _BEGINNING.date()).days
    except ValueError:
        raise SpanError(field, f"{text} is no day; {_HINT}") from None


def _time(text: str, field: Literal["from", "to"]) -> int:
    try:
        if _TIME.fullmatch(text) is None:
            raise ValueError
        return (datetime.fromisoformat(text.upper()) - _BEGINNING) // _MILLISECOND
    except ValueError:
        raise SpanError(field, f"{text[:40]!a} is no time; {_HINT}") from None

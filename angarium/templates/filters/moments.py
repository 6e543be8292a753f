"""Dates and times in the reader's language. Pure: a moment is an argument, and so is the zone it is seen in."""

import datetime as dt
import functools
import re
from typing import Any, Final

from babel import dates

from angarium.templates.filters.fault import FilterError
from angarium.templates.locales import conventions

_OFFSET: Final = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
# Unix seconds end in 5138, and milliseconds begin in 1973: a number says itself which it is
_MILLISECONDS_FROM: Final = 100_000_000_000
_LAST_MS: Final = 253_402_300_799_999  # of the year 9999
MAX_PATTERN: Final = 100  # ours, in characters


def date(value: Any, style: str = "medium", *, tag: str, zone: str) -> str:
    """Write the day: 30.11.2026."""
    moment = read_moment(value)
    if isinstance(moment, dt.datetime):
        moment = in_zone(moment, zone).date()
    return _date(moment, _checked(style), tag)


def time(value: Any, style: str = "short", *, tag: str, zone: str) -> str:
    """Write the time of the day: 03:16."""
    return _time(_seen(value, zone), zone, _checked(style), tag)


def datetime(value: Any, style: str = "medium", *, tag: str, zone: str) -> str:
    """Write both."""
    return _datetime(_seen(value, zone), zone, _checked(style), tag)


def read_moment(value: Any) -> dt.date | dt.datetime:
    """Read a day or a moment: ISO 8601, or Unix seconds or milliseconds. Without a zone it is UTC.

    Raises FilterError.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(value)
    text = str(value).strip() if isinstance(value, str) else ""
    if text.lstrip("-").isdecimal() and text.isascii() and len(text) in (9, 10, 13):
        return _of_number(int(text))
    try:
        if len(text) == 10:
            return dt.date.fromisoformat(text)
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise FilterError(
            f"{str(value)[:60]!r} is no date: give it as 2026-11-30, 2026-11-30T03:16:00Z, or as Unix time"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _of_number(value: float) -> dt.datetime:
    # NaN is not within the limits, either
    ms = value if abs(value) >= _MILLISECONDS_FROM else value * 1000
    if not -_LAST_MS // 4 <= ms <= _LAST_MS:
        raise FilterError(f"{value!r} is no Unix time")
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=int(ms))


def in_zone(moment: dt.datetime, zone: str) -> dt.datetime:
    """Return it as a clock there shows it. Raises FilterError: there is no such zone."""
    try:
        return moment.astimezone(find_zone(zone))
    except (OverflowError, ValueError):
        raise FilterError(f"{moment.isoformat()} cannot be shown in {zone!r}") from None


@functools.lru_cache(maxsize=1000)
def find_zone(name: str) -> dt.tzinfo:
    """Return a zone by its name (Europe/Vienna) or offset (+02:00). Raises FilterError."""
    offset = _OFFSET.fullmatch(name)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3])
        if minutes < 24 * 60:
            return dt.timezone(dt.timedelta(minutes=minutes if offset[1] == "+" else -minutes))
    try:
        return dates.get_timezone(name)
    except (LookupError, ValueError, OSError):
        raise FilterError(
            f"{name[:60]!r} is no time zone: name it as Europe/Vienna, or give an offset as +02:00"
        ) from None


def _seen(value: Any, zone: str) -> dt.datetime:
    moment = read_moment(value)
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime(moment.year, moment.month, moment.day, tzinfo=find_zone(zone))
    return in_zone(moment, zone)


def _checked(style: Any) -> str:
    if not isinstance(style, str) or not style or len(style) > MAX_PATTERN:
        raise FilterError(
            "a date's format is short, medium, long, full, or a pattern as 'd. MMMM y'"
        )
    return style


# Many mails of one campaign have the same dates and amounts. The zone is named, since moments are equal in all zones
@functools.lru_cache(maxsize=5000)
def _date(day: dt.date, style: str, tag: str) -> str:
    return _written(dates.format_date, day, style, tag)


@functools.lru_cache(maxsize=5000)
def _time(moment: dt.datetime, zone: str, style: str, tag: str) -> str:
    return _written(dates.format_time, moment, style, tag)


@functools.lru_cache(maxsize=5000)
def _datetime(moment: dt.datetime, zone: str, style: str, tag: str) -> str:
    return _written(dates.format_datetime, moment, style, tag)


def _written(write: Any, value: dt.date, style: str, tag: str) -> str:
    arguments = {"tzinfo": value.tzinfo} if isinstance(value, dt.datetime) else {}
    try:
        return str(write(value, style, locale=conventions(tag), **arguments))
    except (ValueError, KeyError, AttributeError, TypeError, IndexError, OverflowError):
        raise FilterError(f"{style!r} is no format of dates: see Unicode's date fields") from None

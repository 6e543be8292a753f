"""Dates as SendGrid's ``formatDate`` writes them, by tokens such as ``MMMM DD, YYYY``. Pure."""

import datetime as dt
import re
from typing import Any, Final

from angarium.templates.filters.fault import FilterError
from angarium.templates.filters.moments import in_zone, read_moment

_TOKEN: Final = re.compile(
    r"\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|A|a|ZZ|Z"
)
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MAX_PATTERN: Final = 200  # ours, in characters


def format_date(value: Any, pattern: Any, offset: Any = None) -> str:
    """Write a moment. ``offset``: a zone's, as -0800; none: UTC. Nothing of nothing. Raises FilterError."""
    if value is None or value == "":
        return ""
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise FilterError("a date's format is a text as 'MMMM DD, YYYY'")
    found = read_moment(value)
    if not isinstance(found, dt.datetime):
        found = dt.datetime(found.year, found.month, found.day, tzinfo=dt.UTC)
    moment = in_zone(found, str(offset) if offset else "UTC")
    return _TOKEN.sub(lambda token: _written(token, moment), pattern)


def _written(token: re.Match[str], moment: dt.datetime) -> str:
    if token[1] is not None:
        return token[1]
    hour = moment.hour % 12 or 12
    match token[0]:
        case "YYYY":
            return f"{moment.year:04}"
        case "YY":
            return f"{moment.year % 100:02}"
        case "MMMM":
            return _MONTHS[moment.month - 1]
        case "MMM":
            return _MONTHS[moment.month - 1][:3]
        case "MM":
            return f"{moment.month:02}"
        case "M":
            return str(moment.month)
        case "DD":
            return f"{moment.day:02}"
        case "D":
            return str(moment.day)
        case "dddd":
            return _DAYS[moment.weekday()]
        case "ddd":
            return _DAYS[moment.weekday()][:3]
        case "HH":
            return f"{moment.hour:02}"
        case "H":
            return str(moment.hour)
        case "hh":
            return f"{hour:02}"
        case "h":
            return str(hour)
        case "mm":
            return f"{moment.minute:02}"
        case "m":
            return str(moment.minute)
        case "ss":
            return f"{moment.second:02}"
        case "s":
            return str(moment.second)
        case "A":
            return "AM" if moment.hour < 12 else "PM"
        case "a":
            return "am" if moment.hour < 12 else "pm"
        case "ZZ":
            return moment.strftime("%z")
        case _:
            text = moment.strftime("%z")
            return f"{text[:3]}:{text[3:5]}"

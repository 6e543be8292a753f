"""The date-time of RFC 5322 section 3.3, always in UTC. Sans-IO: the time is an argument."""

import functools
from datetime import UTC, datetime
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # strftime would ask the locale
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


@functools.lru_cache(maxsize=16)  # of a pure value: a busy second renders it once
def render_date(unix_s: int) -> str:
    """Return ``Sun, 22 Nov 2026 03:12:29 +0000``."""
    at = datetime.fromtimestamp(unix_s, UTC)
    return (
        f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at.year:04}"
        f" {at.hour:02}:{at.minute:02}:{at.second:02} +0000"
    )

"""Times as machines read them: RFC 3339, UTC, with milliseconds. Pure."""

import functools
from datetime import UTC, datetime
from typing import Final

_LAST_MS: Final = 253_402_300_799_999  # of the year 9999, where the format ends


def rfc3339(unix_ms: int) -> str:
    """A time that the format does not have, as the disk may make one of any other, is its first or last one."""
    unix_ms = min(max(unix_ms, 0), _LAST_MS)
    seconds, milliseconds = divmod(unix_ms, 1000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"


@functools.lru_cache(maxsize=64)  # of pure values: many events are of one second
def _second(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat()[:19]

"""Times as machines read them: RFC 3339, UTC, with milliseconds. Pure."""

import functools
from datetime import UTC, datetime


def rfc3339(unix_ms: int) -> str:
    seconds, milliseconds = divmod(unix_ms, 1000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"


@functools.lru_cache(maxsize=64)  # of pure values: many events are of one second
def _second(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat()[:19]

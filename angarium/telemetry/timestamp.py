"""Times as machines read them: RFC 3339, UTC, with milliseconds. Pure."""

import time


def rfc3339(unix_ms: int) -> str:
    seconds, milliseconds = divmod(unix_ms, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{milliseconds:03d}Z"

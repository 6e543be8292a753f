"""Show me sessions as they happen."""

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.smtp.tap import Direction


class WatchedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a dialogue, redacted already."""

    at: int  # milliseconds since 1970
    session: str
    direction: Direction
    text: str
    dropped: int = 0  # lines before this one, of this process, that the reader was too slow for


class WatchedLines(msgspec.Struct, frozen=True):
    lines: tuple[WatchedLine, ...]


class WatchSessions(Question[None, WatchedLines], frozen=True, tag="watch"):
    """Of one domain or host (delivery processes) or one listener (ingress). Goes on until the asker hangs up."""

    # Of recipients, or the name or address of a mail host, lower case: outgoing sessions
    domain: str = ""
    listener: str = ""  # as in the configuration: incoming sessions

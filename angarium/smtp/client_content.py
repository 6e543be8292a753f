"""Message content as a client may send it: CRLF line ends only, dots stuffed (S2)."""

import re
from typing import Final

# One literal octet leads each pattern, so that the search runs from line to line by memchr:
# 20 KB in 23 us each, against 95 us for three counts and a find, and 200 us for a pattern of
# whole lines.
_LF_AMISS: Final = re.compile(rb"\n(?:(?<!\r\n)|(?=\.))")  # bare, or a line with a dot follows
_BARE_LF: Final = re.compile(rb"\n(?<!\r\n)")
_BARE_CR: Final = re.compile(rb"\r(?!\n)")


class ContentError(Exception):
    """The content has a bare CR or LF, or its header is not a block of lines; nothing was sent."""


def checked(header: bytes, body: bytes) -> bool:
    """Return whether a line starts with a dot; raises ContentError for a bare CR or LF (S2).

    RFC 5321 section 2.3.8: CR and LF occur as CRLF only. The header ends in CRLF, so the
    body's first line starts a line.
    """
    if header[-2:] != b"\r\n":
        raise ContentError("the header does not end in CRLF")
    dots = header[:1] == b"." or body[:1] == b"."
    for part in (header, body):
        if _BARE_CR.search(part) is not None:
            raise ContentError("a CR that no LF follows")
        if _LF_AMISS.search(part) is not None:
            if _BARE_LF.search(part) is not None:
                raise ContentError("an LF that no CR precedes")
            dots = True
    return dots


def stuffed(content: bytes) -> bytes:
    """``content``, which starts at a line's start, with its leading dots doubled.

    RFC 5321 section 4.5.2.
    """
    content = content.replace(b"\r\n.", b"\r\n..")
    return b"." + content if content[:1] == b"." else content

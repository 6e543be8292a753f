"""Message content as a client may send it: CRLF line ends only, dots stuffed (S2). Never a second copy of a big one."""

from collections.abc import Iterator
from typing import Final

from angarium.smtp.line_ends import has_only_crlf

Octets = bytes | memoryview  # of a message in memory: the body is a part of the content, not a copy

_SLICE_OCTETS: Final = 1_048_576  # ours: what is looked at, at once


class ContentError(Exception):
    """The content has a bare CR or LF, or its header is not a block of lines; nothing was sent."""


def checked(header: Octets, body: Octets) -> bool:
    """Return whether a line starts with a dot; raises ContentError for a bare CR or LF (S2).

    RFC 5321 section 2.3.8: CR and LF occur as CRLF only. The header ends in CRLF, so the
    body's first line starts a line.
    """
    if header[-2:] != b"\r\n":
        raise ContentError("the header does not end in CRLF")
    if not (has_only_crlf(header) and has_only_crlf(body)):
        raise ContentError("a CR or LF that is no line end")
    return _has_dot_line(header) or _has_dot_line(body)


def blocks(content: Octets, octets: int) -> Iterator[bytes]:
    """Yield it in parts of at most ``octets``, as they are wanted; copies, so that who buffers one keeps no more."""
    view = memoryview(content)
    for at in range(0, len(view), octets):
        yield bytes(view[at : at + octets])


def stuffed_blocks(content: Octets, octets: int) -> Iterator[bytes]:
    """Yield ``content``, which starts at a line's start, with its leading dots doubled, ``octets`` of it at a time.

    RFC 5321 section 4.5.2.
    """
    before = b"\r\n"  # the two octets in front of the block
    for block in blocks(content, octets):
        # The line end may be in the last block, or the dot first in this one
        joined = (before + block).replace(b"\r\n.", b"\r\n..")
        yield joined[2:]
        before = joined[-2:]


def _has_dot_line(content: Octets) -> bool:
    before = b"\r\n"
    for block in blocks(content, _SLICE_OCTETS):
        if b"\r\n." in (joined := before + block):
            return True
        before = joined[-2:]
    return False

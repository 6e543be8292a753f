"""SMTP replies from a peer (RFC 5321 section 4.2). Sans-IO: octets in, replies out.

What a peer says is hostile until ``text`` has cleaned it (S11).
"""

import re
from typing import Final

import msgspec

MAX_LINE_OCTETS: Final = 2048  # RFC 5321 section 4.5.3.1.5 says 512; real peers exceed it
MAX_LINES: Final = 128  # in one reply; the RFC sets no limit, so we must
MAX_REPLY_OCTETS: Final = 32_768  # in one reply; ours, because 128 lines of 2,048 are no reply
MAX_TEXT_CHARACTERS: Final = 1000  # of what is kept in the queue, logs and DSNs (ours)

# Some write no blank behind the code: its digits decide
_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?![0-9])([ -]?)([^\r\n]*)")
# RFC 3463 section 2: class "." subject "." detail, up to three digits, no leading zero;
# RFC 2034 section 4: first in the text of the reply.
_ENHANCED: Final = re.compile(rb"([245])\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})(?=[ \t]|\Z)")


class PeerError(Exception):
    """The peer broke the protocol; the session cannot be used again."""


class ReplySyntaxError(PeerError):
    """The peer's octets are not an SMTP reply."""


class Reply(msgspec.Struct, frozen=True):
    code: int  # 200..599
    lines: tuple[bytes, ...]  # text after the code, without CRLF; at least one


class ReplyParser:
    """Invariant: how the input is cut into chunks never changes the replies."""

    __slots__ = ("_buffer", "_open", "_open_octets", "_position")

    def __init__(self) -> None:
        self._buffer = b""  # received; parsed up to _position
        self._position = 0
        self._open: list[re.Match[bytes]] = []  # lines of the reply not yet ended
        self._open_octets = 0

    @property
    def is_empty(self) -> bool:
        """Nothing is waiting, not even a part of a line."""
        return not self._open and self._position == len(self._buffer)

    def receive(self, data: bytes) -> None:
        if self._position == len(self._buffer):
            self._buffer = bytes(data)  # the usual case: no copy for bytes
        else:
            self._buffer = self._buffer[self._position :] + data
        self._position = 0

    def discard(self) -> None:
        """Forget all that was received and not yet returned (RFC 3207 section 4.2: S3)."""
        self._buffer, self._position = b"", 0
        self._open, self._open_octets = [], 0

    def next_reply(self) -> Reply | None:
        """Return the oldest complete reply, None if it needs more octets, or raise."""
        while (end := self._buffer.find(b"\r\n", self._position)) >= 0:
            line = _LINE.fullmatch(
                self._buffer, self._position, min(end, self._position + MAX_LINE_OCTETS + 1)
            )
            octets = end - self._position
            self._position = end + 2
            if line is None or octets > MAX_LINE_OCTETS:
                raise ReplySyntaxError("a line that is not a reply")
            is_last = line[2] != b"-"  # a space, or nothing, ends the reply
            if is_last and not self._open:  # nearly every reply has one line
                return Reply(int(line[1]), (line[3] or b"",))
            self._append(line, octets)
            if is_last:
                lines, self._open, self._open_octets = self._open, [], 0
                return Reply(int(line[1]), tuple(each[3] or b"" for each in lines))
        if self._buffer.find(b"\n", self._position) >= 0:
            # Not in five minutes, but now.
            raise ReplySyntaxError("a line that ends in LF without CR")
        if len(self._buffer) - self._position > MAX_LINE_OCTETS + 1:  # + 1: a CR awaiting its LF
            raise ReplySyntaxError("a line without end")
        return None

    def _append(self, line: re.Match[bytes], octets: int) -> None:
        self._open_octets += octets
        if self._open and line[1] != self._open[0][1]:
            raise ReplySyntaxError("a reply whose lines differ in their code")  # S11
        if len(self._open) == MAX_LINES or self._open_octets > MAX_REPLY_OCTETS:
            raise ReplySyntaxError("a reply without end")
        self._open.append(line)


def enhanced_status(reply: Reply) -> str:
    """The enhanced status code, "4.2.1"; "" when there is none, or its class is not the code's."""
    found = _ENHANCED.match(reply.lines[0])
    if found is None or int(found[1]) != reply.code // 100:
        return ""
    return found[0].decode("ascii")


def text(reply: Reply) -> str:
    """The reply on one line, code first, printable, at most 1,000 characters (S11, C7).

    An enhanced status that each line repeats is kept once.
    """
    first = reply.lines[0]
    if len(reply.lines) > 1:
        found = _ENHANCED.match(first)
        repeated = found[0] if found else b"\0"  # no line starts with a NUL after cleaning
        rest = (line.removeprefix(repeated).strip() for line in reply.lines[1:])
        first = b" ".join((first, *rest))
    return clean_text(f"{reply.code} {first.decode('utf-8', 'replace')}")


def clean_text(value: str) -> str:
    """What may be stored, logged and shown of a string that a peer chose: no controls, bounded."""
    value = value[: 4 * MAX_TEXT_CHARACTERS]  # bounds the work on what is then cut
    if not value.isprintable():
        value = "".join(each if each.isprintable() else " " for each in value)
    return value[:MAX_TEXT_CHARACTERS].strip()

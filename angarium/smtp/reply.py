"""SMTP replies from a peer (RFC 5321 section 4.2). Sans-IO: octets in, replies out.

What a peer says is hostile until ``text`` has cleaned it (S11).
"""

import re
from typing import Final, NamedTuple

import msgspec

# Kept of a line: RFC 5321 section 4.5.3.1.5 says 512, real peers exceed it
MAX_LINE_OCTETS: Final = 2048
MAX_LINES: Final = 128  # kept of a reply; the RFC sets no limit, so we must
# Read for one reply, with all that is not kept of it; ours, because 128 lines of 2,048 are no reply
MAX_REPLY_OCTETS: Final = 32_768
MAX_TEXT_CHARACTERS: Final = 1000  # of what is kept in the queue, logs and DSNs (ours)
_SHOWN_OCTETS: Final = 200  # of a line that cannot be read, in an error's text
_CR: Final = 13

# A hyphen says that more lines follow; whatever else stands behind the code, or nothing, that none does
_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?![0-9])([ \t-]?)(.*)", re.DOTALL)
# RFC 3463 section 2: class "." subject "." detail, up to three digits, no leading zero;
# RFC 2034 section 4: first in the text of the reply.
_ENHANCED: Final = re.compile(rb"([245])\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})(?=[ \t]|\Z)")


class PeerError(Exception):
    """The peer broke the protocol; the session cannot be used again."""


class ReplySyntaxError(PeerError):
    """The peer's octets are not an SMTP reply."""


class StrayTextError(ReplySyntaxError):
    """A line of text in the place of a reply. It was passed over: what follows may be read."""


class Reply(msgspec.Struct, frozen=True):
    code: int  # 200..599
    lines: tuple[bytes, ...]  # text after the code, without line end; at least one
    codes: tuple[int, ...] = ()  # the code of each line, where they are not all the same


class _Line(NamedTuple):
    code: int
    text: bytes


class ReplyParser:
    """Lenient in form, as what is not understood costs the mail of others: LF ends a line, with or without CR; of a
    long line the beginning is kept; blank lines say nothing; a line without a code in the midst of a reply is text of
    it; and where the lines differ in their code, the last one decides (RFC 5321 section 4.2.1).

    Invariant RP1: how the input is cut into chunks never changes the replies.
    Invariant RP2: at most MAX_REPLY_OCTETS are read for one reply.
    """

    __slots__ = ("_buffer", "_octets", "_open", "_position")

    def __init__(self) -> None:
        self._buffer = b""  # received; parsed up to _position
        self._position = 0
        self._open: list[_Line] = []  # lines of the reply not yet ended
        self._octets = 0  # parsed since the last reply

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
        self._open, self._octets = [], 0

    def next_reply(self) -> Reply | None:
        """Return the oldest complete reply, None if it needs more octets, or raise ReplySyntaxError."""
        while (end := self._buffer.find(b"\n", self._position)) >= 0:  # RP1: whole lines only
            start, self._position = self._position, end + 1
            self._count(self._position - start)
            found = self._match(start, end)
            if found is None:
                self._take_text(self._buffer[start : min(end, start + MAX_LINE_OCTETS)])
            elif found[2] == b"-":
                self._keep(_Line(int(found[1]), found[3]))
            else:
                return self._ended(_Line(int(found[1]), found[3]))
        if self._octets + len(self._buffer) - self._position > MAX_REPLY_OCTETS:
            raise ReplySyntaxError("a line without end")  # RP2
        return None

    def unfinished(self) -> Reply | None:
        """Return what has come of a reply whose end has not; None when that is not even its code."""
        lines = self._open
        # Else lines wait behind one that was refused
        if self._buffer.find(b"\n", self._position) < 0:
            found = self._match(self._position, len(self._buffer))
            if found is not None:
                lines = [*lines, _Line(int(found[1]), found[3])]
        return _reply(lines) if lines else None

    def _match(self, start: int, end: int) -> re.Match[bytes] | None:
        """The line that ends before ``end``, less its CR and what is too long."""
        while end > start and self._buffer[end - 1] == _CR:
            end -= 1
        return _LINE.fullmatch(self._buffer, start, min(end, start + MAX_LINE_OCTETS))

    def _count(self, octets: int) -> None:
        self._octets += octets
        if self._octets > MAX_REPLY_OCTETS:
            raise ReplySyntaxError("a reply without end")  # RP2

    def _take_text(self, line: bytes) -> None:
        """A line without a code."""
        text = line.strip()
        if not text:
            return
        if self._open:
            self._keep(_Line(self._open[-1].code, text))
            return
        shown = f"a line that is not a reply: {text[:_SHOWN_OCTETS].decode('utf-8', 'replace')}"
        # What begins with a digit may be meant as a reply: after it nobody knows whose the next one is
        raise ReplySyntaxError(shown) if text[:1].isdigit() else StrayTextError(shown)

    def _keep(self, line: _Line) -> None:
        if len(self._open) < MAX_LINES - 1:  # one is left for the last, which decides
            self._open.append(line)

    def _ended(self, last: _Line) -> Reply:
        self._octets = 0
        if not self._open:  # nearly every reply has one line
            return Reply(last.code, (last.text,))
        lines, self._open = [*self._open, last], []
        return _reply(lines)


def _reply(lines: list[_Line]) -> Reply:
    codes = tuple(line.code for line in lines)
    differ = len(set(codes)) > 1
    return Reply(codes[-1], tuple(line.text for line in lines), codes if differ else ())


def enhanced_status(reply: Reply) -> str:
    """The enhanced status code, "4.2.1"; "" when there is none, or its class is not the code's."""
    # Where lines differ in their code, the one that decides has the status too
    found = _ENHANCED.match(reply.lines[-1 if reply.codes else 0])
    if found is None or int(found[1]) != reply.code // 100:
        return ""
    return found[0].decode("ascii")


def text(reply: Reply) -> str:
    """The reply on one line, code first, printable, at most 1,000 characters (S11, C7).

    An enhanced status that each line repeats is kept once, and so is the code, unless the lines differ in it.
    """
    first = reply.lines[0]
    if reply.codes:
        pairs = zip(reply.codes, reply.lines, strict=True)
        first = b" ".join(
            line.strip() if code == reply.code else b"%d %b" % (code, line.strip())
            for code, line in pairs
        )
    elif len(reply.lines) > 1:
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

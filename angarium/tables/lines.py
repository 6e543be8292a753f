"""Lines of a file as it is read, with how many octets each has: LF, CRLF or CR ends one. Sans-IO.

Knows nothing of cells and quotes.
"""

import itertools
import re
from codecs import getincrementaldecoder
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from angarium.tables.model import SHOWN_CHARACTERS, Flaw

_WIDE_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# What is kept of a line that is too long has no quotes: none of what follows is part of it
_MARKS: Final = re.compile(r"[\"'\\]")


class Problem(msgspec.Struct, frozen=True):
    flaw: Flaw
    reason: str


class Batch(msgspec.Struct, kw_only=True):
    texts: list[str]  # with their line ends
    octets: list[int]  # of each
    problems: Mapping[int, Problem]  # by index, of those that cannot be taken


class Lines(Protocol):
    def receive(self, octets: bytes, *, is_last: bool) -> Batch:
        """Return the lines that are complete by now; ``is_last``: nothing follows, so all are."""
        ...


def lines_of(charset: str, limit: int) -> Lines:
    """``limit``: octets of a line; of what is longer only the beginning is kept."""
    if charset.startswith("utf-16-"):
        return _WideLines(charset, limit)
    return _OctetLines(charset, limit)


class _OctetLines:
    """Of a charset in which the octets of line ends are nothing else.

    Invariant TB1: how the file is cut into pieces never changes its lines, nor the sum of their octets, which is the
    file's.
    """

    def __init__(self, charset: str, limit: int) -> None:
        self._charset = charset
        self._limit = limit
        self._shown = min(limit, SHOWN_CHARACTERS)
        self._rest = b""  # of a line that is not complete; its CR may have an LF to come
        self._head = b""  # of one that is too long, its beginning
        self._dropped = 0  # and how many octets of it are read by now

    def receive(self, octets: bytes, *, is_last: bool) -> Batch:
        lines = (self._rest + octets).splitlines(keepends=True)
        self._rest = b""
        if lines and not is_last and not lines[-1].endswith(b"\n"):
            self._rest = lines.pop()
        long = 0
        if lines and self._dropped:
            long = self._dropped + len(lines[0])
            lines[0] = self._head + b"\n"
            self._dropped = 0
        elif is_last and self._dropped:
            long, lines = self._dropped, [self._head]
            self._dropped = 0
        self._drop_rest()
        sizes = list(map(len, lines))
        problems: dict[int, Problem] = {}
        if long:
            sizes[0] = long
        for at in (at for at, size in enumerate(sizes) if size > self._limit):
            problems[at] = _too_long(self._limit)
            lines[at] = lines[at][: self._shown]
        texts = self._decode(lines, problems)
        _mark_nul(texts, problems)
        for at in problems:
            if sizes[at] > self._limit:
                texts[at] = _MARKS.sub("?", texts[at]).rstrip("\r\n") + "\n"
        return Batch(texts=texts, octets=sizes, problems=problems)  # TB1

    def _drop_rest(self) -> None:
        """Keep no more of a line than its limit."""
        if not self._dropped and len(self._rest) <= self._limit + 1:
            return
        if not self._dropped:
            self._head = self._rest[: self._shown]
        kept = b"\r" if self._rest.endswith(b"\r") else b""
        self._dropped += len(self._rest) - len(kept)
        self._rest = kept

    def _decode(self, lines: Sequence[bytes], problems: dict[int, Problem]) -> list[str]:
        charset = self._charset
        try:
            return [each.decode(charset) for each in lines]
        except UnicodeDecodeError:
            pass
        texts = []
        for at, line in enumerate(lines):
            try:
                texts.append(line.decode(charset))
            except UnicodeDecodeError as error:
                wrong = line[error.start]
                reason = (
                    f"octet 0x{wrong:02X} at place {error.start + 1} is no character of {charset}"
                )
                problems.setdefault(at, Problem("charset", reason))
                texts.append(line.decode(charset, "replace"))
        return texts


class _WideLines:
    """Of UTF-16, as ``_OctetLines`` is of others (TB1)."""

    def __init__(self, charset: str, limit: int) -> None:
        self._charset = charset
        self._limit = limit // 2  # code units
        self._shown = min(self._limit, SHOWN_CHARACTERS)
        self._decoder = getincrementaldecoder(charset)("surrogatepass")
        self._rest = ""
        self._head = ""
        self._dropped = 0  # octets

    def receive(self, octets: bytes, *, is_last: bool) -> Batch:
        text, odd = self._decode(octets, is_last)
        lines = _WIDE_LINE.findall(self._rest + text)
        self._rest = ""
        if lines and not is_last and not lines[-1].endswith("\n"):
            self._rest = lines.pop()
        problems: dict[int, Problem] = {}
        sizes = [self._octets(each) for each in lines]
        if self._dropped and (lines or is_last):
            if not lines:
                lines, sizes = [""], [0]
            sizes[0] += self._dropped
            lines[0] = self._head + "\n"
            self._dropped = 0
        self._drop_rest()
        if odd:
            if not lines:
                lines, sizes = [""], [0]
            sizes[-1] += 1
            problems[len(lines) - 1] = Problem("charset", "ends in half a character of UTF-16")
        for at, size in enumerate(sizes):
            if size > 2 * self._limit:
                problems[at] = _too_long(2 * self._limit)
                lines[at] = _MARKS.sub("?", lines[at][: self._shown]).rstrip("\r\n") + "\n"
        for at, line in enumerate(lines):
            if _SURROGATE.search(line):
                reason = f"has half of a surrogate pair, which is no character of {self._charset}"
                problems.setdefault(at, Problem("charset", reason))
                lines[at] = _SURROGATE.sub("\ufffd", line)
        _mark_nul(lines, problems)
        return Batch(texts=lines, octets=sizes, problems=problems)  # TB1

    def _decode(self, octets: bytes, is_last: bool) -> tuple[str, bool]:
        """Return the text, and whether an octet is left over at the end of the file."""
        if not is_last:
            return self._decoder.decode(octets), False
        held = self._decoder.getstate()[0] + octets
        whole = held[: len(held) & ~1]
        return whole.decode(self._charset, "surrogatepass"), len(whole) != len(held)

    def _octets(self, text: str) -> int:
        return len(text.encode(self._charset, "surrogatepass"))

    def _drop_rest(self) -> None:
        if not self._dropped and len(self._rest) <= self._limit + 1:
            return
        if not self._dropped:
            self._head = self._rest[: self._shown]
        kept = "\r" if self._rest.endswith("\r") else ""
        self._dropped += self._octets(self._rest) - 2 * len(kept)
        self._rest = kept


def _mark_nul(texts: Sequence[str], problems: dict[int, Problem]) -> None:
    if any("\0" in each for each in texts):
        for at in (at for at, each in enumerate(texts) if "\0" in each):
            problems.setdefault(at, Problem("nul", "has a NUL, which no text has"))


def _too_long(limit: int) -> Problem:
    return Problem("too long", f"is longer than {limit} octets")


def ends(octets: Sequence[int], start: int) -> list[int]:
    """Return where each line ends, if the first begins at ``start``."""
    found = list(itertools.accumulate(octets, initial=start))
    del found[0]
    return found

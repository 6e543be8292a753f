"""Text beyond ASCII as encoded words (RFC 2047), with all else of a field left as it stands. Pure."""

import base64
from collections.abc import Sequence
from typing import Final

import msgspec

_LINE_OCTETS: Final = 76  # RFC 2047 section 2
_FRAME: Final = b"=?utf-8?b?%b?="
_FRAME_OCTETS: Final = len(_FRAME) - 2
_MIN_OCTETS: Final = 12  # ours: rather a new line than shorter words


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a field's value. Values are whole: joined, their ``raw`` is the field."""

    raw: str
    text: str  # what a reader is shown of it
    is_gap: bool = False  # white space, with the line ends of folding
    is_word: bool = False  # may be joined with words beside it, and encoded


def encode_words(name: str, tokens: Sequence[Token]) -> bytes:
    """Return ``name: value`` with each run of words beyond ASCII as encoded words, folded before those where needed.

    White space between two encoded words is not shown (RFC 2047 section 6.2): where one of ours comes to stand beside
    one that was there, it holds the blank itself.
    """
    out = _Field(name)
    at, count = 0, len(tokens)
    while at < count:
        token = tokens[at]
        if token.is_gap or token.raw.isascii() or not token.is_word:
            out.add(token.raw.encode())
            at += 1
            continue
        end = at + 1
        while end + 1 < count and tokens[end].is_gap and _is_encodable(tokens[end + 1]):
            end += 2
        text = "".join(_shown(each) for each in tokens[at:end])
        if at > 1 and tokens[at - 1].is_gap and _is_encoded(tokens[at - 2]):
            text = " " + text
        if end + 1 < count and tokens[end].is_gap and _is_encoded(tokens[end + 1]):
            text += " "
        is_set_apart = end == count or tokens[end].is_gap or tokens[end].raw == ")"
        out.add_encoded(text, needs_gap_behind=not is_set_apart)
        at = end
    return out.octets()


class _Field:
    def __init__(self, name: str) -> None:
        self._out = bytearray(name.encode() + b":")

    def add(self, octets: bytes) -> None:
        self._out += octets

    def add_encoded(self, text: str, *, needs_gap_behind: bool) -> None:
        """RFC 2047 section 5: encoded words are set apart from what stands beside them."""
        if not self._out.endswith((b" ", b"\t", b"(")):
            self._out += b" "
        rest = text.encode()
        while rest:
            column = len(self._out) - (self._out.rfind(b"\n") + 1)
            room = (_LINE_OCTETS - column - _FRAME_OCTETS) // 4 * 3
            if room < _MIN_OCTETS:
                while self._out.endswith((b" ", b"\t")):
                    del self._out[-1]
                self._out += b"\r\n "
                room = (_LINE_OCTETS - 1 - _FRAME_OCTETS) // 4 * 3
            part = _whole_characters(rest, room)
            rest = rest[len(part) :]
            self._out += _FRAME % base64.b64encode(part)
            if rest:
                self._out += b"\r\n "
        if needs_gap_behind:
            self._out += b" "

    def octets(self) -> bytes:
        return bytes(self._out)


def _whole_characters(octets: bytes, limit: int) -> bytes:
    """RFC 2047 section 5: no character is cut in two."""
    if len(octets) <= limit:
        return octets
    while octets[limit] & 0xC0 == 0x80:
        limit -= 1
    return octets[:limit]


def _is_encodable(token: Token) -> bool:
    return token.is_word and not token.raw.isascii()


def _is_encoded(token: Token) -> bool:
    return token.is_word and token.raw.startswith("=?") and token.raw.endswith("?=")


def _shown(token: Token) -> str:
    return token.raw.replace("\r\n", "") if token.is_gap else token.text

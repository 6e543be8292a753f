"""Header fields as mail that comes in has them, well-formed or not. Pure.

Not ``email.parser``: its work is not bounded on hostile input (C2). RFC 5322 section 2.2, RFC 6532.
"""

import re
from collections.abc import Iterator
from typing import Final

from angarium.feedback.mail.encoded_words import decode_words

# C2: ours; a header of real mail stays under 64 KiB and some hundred fields
MAX_HEADER_OCTETS: Final = 256 * 1024
MAX_FIELDS: Final = 1000
# Ours: longer values are not references, addresses or diagnostics that mean anything
MAX_VALUE_OCTETS: Final = 8192
_FIELD: Final = re.compile(rb"^([!-9;-~]{1,80})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_FOLD: Final = re.compile(rb"[ \t]*\r?\n[ \t]+")
_LEADING: Final = b" \t\r\n\xef\xbb\xbf"


class Fields:
    """Header fields in their order; names in lower case, values as octets until they are asked for."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: tuple[tuple[str, bytes], ...] = ()) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def __contains__(self, name: str) -> bool:
        return any(each == name for each, _ in self._pairs)

    def names(self) -> Iterator[str]:
        return (name for name, _ in self._pairs)

    def items(self, limit: int) -> Iterator[tuple[str, str]]:
        """Yield names and values of the first ``limit`` fields, the values as ``raw`` does."""
        return ((name, _text(value)) for name, value in self._pairs[:limit])

    def raw(self, name: str) -> str:
        """Return the first value of ``name`` (lower case), unfolded, its encoded words left alone; "" without one."""
        return next((_text(value) for each, value in self._pairs if each == name), "")

    def all_raw(self, *names: str) -> Iterator[str]:
        """Yield the values of ``names``, in the names' order, as ``raw`` does."""
        for name in names:
            for each, value in self._pairs:
                if each == name:
                    yield _text(value)

    def text(self, name: str) -> str:
        """Return the first value of ``name`` with its encoded words decoded (RFC 2047); "" without one."""
        return decode_words(self.raw(name))


def _text(value: bytes) -> str:
    value = value[:MAX_VALUE_OCTETS]
    if b"\n" in value:
        value = _FOLD.sub(b" ", value)
    return decode_octets(value).strip()


def decode_octets(value: bytes) -> str:
    """Return octets without a charset as text: UTF-8 where they are, else one character each."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def read_fields(octets: bytes) -> tuple[Fields, int]:
    """Return the header's fields, and where the body begins. A line that is no field is passed over."""
    limit = octets[:MAX_HEADER_OCTETS]
    start = len(limit) - len(limit.lstrip(_LEADING))
    blank = _BLANK_LINE.search(octets, start, start + MAX_HEADER_OCTETS)
    end = blank.start() + 1 if blank else min(len(octets), start + MAX_HEADER_OCTETS)
    return Fields(_pairs(octets, start, end)), blank.end() if blank else end


def _pairs(octets: bytes, start: int, end: int) -> tuple[tuple[str, bytes], ...]:
    pairs = []
    for found in _FIELD.finditer(octets[start:end]):
        pairs.append((found[1].decode("ascii").lower(), found[2]))
        if len(pairs) == MAX_FIELDS:
            break
    return tuple(pairs)

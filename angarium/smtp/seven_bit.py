"""A message with 8-bit parts as one of 7 bits, for a host without 8BITMIME (RFC 6152 section 3). Sans-IO.

Each part that needs it becomes quoted-printable or base64, whichever is shorter. Fields stay as they are, but for
Content-Transfer-Encoding, and what makes plain text MIME. Signatures over the message are void: sign it afterwards.
"""

from typing import Final

import msgspec

from angarium.smtp.mime import (
    DIGESTED,
    MAX_DEPTH,
    MAX_PARTS,
    PLAIN,
    Kind,
    UnclearError,
    encoding_of,
    kind_of,
    sections,
    split,
    with_encoding,
    with_mime,
)
from angarium.smtp.transfer_encoding import UNENCODED, base64_lines, quoted_printable

# RFC 6532 section 3.7 and RFC 6533 sections 4 and 5: unlike other messages in messages, these may be encoded
_ENCODABLE: Final = (b"global", b"global-headers", b"global-delivery-status")
_MESSAGES: Final = (b"rfc822", b"news")
_HIGH: Final = bytes(range(0x80, 0x100))
_TO_ASCII: Final = bytes(range(0x80)) + b"?" * 0x80


class SevenBit(msgspec.Struct, frozen=True, kw_only=True):
    header: bytes  # with the empty line
    body: bytes


def as_seven_bit(header: bytes, body: bytes) -> SevenBit | None:
    """Return the message converted; None where that cannot be done.

    ``header`` ends in its empty line, and CR and LF are line ends only. Takes as long as reading each level does.
    """
    conversion = _Conversion(header + body)
    try:
        fields = conversion.message(0, len(header) - 2, len(header), len(header) + len(body), 0)
    except UnclearError:
        return None
    return SevenBit(header=fields + b"\r\n", body=b"".join(conversion.pieces))


class _Conversion:
    """Goes through the content by positions, and copies nothing but what it puts out."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._parts = 0
        self.pieces: list[bytes] = []  # of the body

    def message(self, start: int, end: int, body: int, stop: int, depth: int) -> bytes:
        """A message: its fields from ``start`` to ``end``, its body from ``body`` to ``stop``. Returns its fields."""
        fields = self._content[start:end]
        if not self._is_ascii(body, stop):
            fields = with_mime(fields, self._content[body:stop])
        return self._entity(fields, body, stop, depth, PLAIN)

    def _entity(self, fields: bytes, body: int, stop: int, depth: int, default: Kind) -> bytes:
        """Put the body out as 7 bits; returns the fields that then describe it."""
        self._parts += 1
        if depth > MAX_DEPTH or self._parts > MAX_PARTS or not fields.isascii():
            raise UnclearError  # C2
        encoding = encoding_of(fields)
        if self._is_ascii(body, stop):
            self.pieces.append(self._content[body:stop])
            return with_encoding(fields, b"7bit") if encoding in (b"8bit", b"binary") else fields
        if encoding not in UNENCODED:
            raise UnclearError  # it says that it has no such octets
        kind = kind_of(fields, default)
        if kind.main == b"multipart":
            self._multipart(kind, body, stop, depth)
            return with_encoding(fields, b"7bit")
        if kind.main == b"message" and kind.sub in _MESSAGES:
            at, inner = split(self._content, body, stop)
            mark = len(self.pieces)
            head = self.message(body, at, inner, stop, depth + 1)
            self.pieces[mark:mark] = [head, self._content[at:inner]]
            return with_encoding(fields, b"7bit")
        if kind.main == b"message" and kind.sub not in _ENCODABLE:
            raise UnclearError  # RFC 2046 section 5.2: no other encoding is allowed
        return with_encoding(fields, self._leaf(self._content[body:stop]))

    def _multipart(self, kind: Kind, start: int, stop: int, depth: int) -> None:
        if not kind.boundary or kind.sub == b"signed":
            raise UnclearError  # RFC 1847 section 2.1: a signed part may not be changed
        default = DIGESTED if kind.sub == b"digest" else PLAIN
        for each in sections(self._content, kind.boundary, start, stop):
            self._between(each.start, each.stop, depth, default if each.is_part else None)
            self.pieces.append(self._content[each.stop : each.end])

    def _between(self, at: int, stop: int, depth: int, default: Kind | None) -> None:
        """A part; or, without a default for its kind, what is read by nobody (RFC 2046 section 5.1.1)."""
        if default is None:
            self.pieces.append(self._content[at:stop].translate(_TO_ASCII))
            return
        end, body = split(self._content, at, stop)
        mark = len(self.pieces)
        fields = self._entity(self._content[at:end], body, stop, depth + 1, default)
        self.pieces[mark:mark] = [fields, self._content[end:body]]

    def _leaf(self, body: bytes) -> bytes:
        """Put a body out encoded; returns the encoding's name."""
        escaped = len(body) - len(body.translate(None, _HIGH)) + body.count(b"=")
        if 2 * escaped <= len(body) // 3:
            self.pieces.append(quoted_printable(body))
            return b"quoted-printable"
        self.pieces.append(base64_lines(body))
        return b"base64"

    def _is_ascii(self, start: int, stop: int) -> bool:
        return self._content[start:stop].isascii()

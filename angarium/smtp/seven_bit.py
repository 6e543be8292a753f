"""A message with 8-bit parts as one of 7 bits, for a host without 8BITMIME (RFC 6152 section 3). Sans-IO.

Each part that needs it becomes quoted-printable or base64, whichever is shorter. Fields stay as they are, but for
Content-Transfer-Encoding, and what makes plain text MIME. Signatures over the message are void: sign it afterwards.
"""

import re
from typing import Final

import msgspec

from angarium.smtp.transfer_encoding import base64_lines, quoted_printable

MAX_DEPTH: Final = 20  # of parts in parts (C2); ours, because mail that people write has five
MAX_PARTS: Final = 1000  # C2
_MAX_BOUNDARY: Final = 200  # RFC 2046 section 5.1.1 says 70

_UNENCODED: Final = (b"", b"7bit", b"8bit", b"binary")  # RFC 2045 section 6.2
# RFC 6532 section 3.7 and RFC 6533 sections 4 and 5: unlike other messages in messages, these may be encoded
_ENCODABLE: Final = (b"global", b"global-headers", b"global-delivery-status")
_MESSAGES: Final = (b"rfc822", b"news")
_HIGH: Final = bytes(range(0x80, 0x100))
_TO_ASCII: Final = bytes(range(0x80)) + b"?" * 0x80
_TOKEN: Final = rb"[!#-'*+.0-9A-Z^-~-]+"  # RFC 2045 section 5.1, less "/" and "="
_TYPE: Final = re.compile(rb"[ \t]*(" + _TOKEN + rb")[ \t]*/[ \t]*(" + _TOKEN + rb")[ \t]*(?=;|\Z)")
_PARAMETER: Final = re.compile(
    rb";[ \t]*(" + _TOKEN + rb')[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t;"]+))[ \t]*'
)
_FIRST_TOKEN: Final = re.compile(_TOKEN)


class SevenBit(msgspec.Struct, frozen=True, kw_only=True):
    header: bytes  # with the empty line
    body: bytes


class _CannotError(Exception):
    """It cannot be converted without guessing, or without breaking what a part's author signed."""


class _Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A part's Content-Type."""

    main: bytes
    sub: bytes
    boundary: bytes = b""


_PLAIN: Final = _Kind(main=b"text", sub=b"plain")
_DIGESTED: Final = _Kind(main=b"message", sub=b"rfc822")  # RFC 2046 section 5.1.5
_OTHER: Final = _Kind(main=b"application", sub=b"octet-stream")


def as_seven_bit(header: bytes, body: bytes) -> SevenBit | None:
    """Return the message converted; None where that cannot be done.

    ``header`` ends in its empty line, and CR and LF are line ends only. Takes as long as reading each level does.
    """
    conversion = _Conversion(header + body)
    try:
        fields = conversion.message(0, len(header) - 2, len(header), len(header) + len(body), 0)
    except _CannotError:
        return None
    return SevenBit(header=fields + b"\r\n", body=b"".join(conversion.pieces))


class _Conversion:
    """Goes through the content by positions, and copies nothing but what it puts out."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._parts = 0
        self._boundaries: list[bytes] = []  # of the multiparts around
        self.pieces: list[bytes] = []  # of the body

    def message(self, start: int, end: int, body: int, stop: int, depth: int) -> bytes:
        """A message: its fields from ``start`` to ``end``, its body from ``body`` to ``stop``. Returns its fields."""
        fields = self._content[start:end]
        if _find(fields, b"mime-version") is None and not self._is_ascii(body, stop):
            fields += b"MIME-Version: 1.0\r\n"
            if _find(fields, b"content-type") is None:
                # RFC 1428 section 3 for what nobody said: but what is valid UTF-8 is nothing else
                charset = b"utf-8" if _is_utf8(self._content[body:stop]) else b"unknown-8bit"
                fields += b"Content-Type: text/plain; charset=" + charset + b"\r\n"
        return self._entity(fields, body, stop, depth, _PLAIN)

    def _entity(self, fields: bytes, body: int, stop: int, depth: int, default: _Kind) -> bytes:
        """Put the body out as 7 bits; returns the fields that then describe it."""
        self._parts += 1
        if depth > MAX_DEPTH or self._parts > MAX_PARTS or not fields.isascii():
            raise _CannotError  # C2
        encoding = _encoding(fields)
        if self._is_ascii(body, stop):
            self.pieces.append(self._content[body:stop])
            return _encoded(fields, b"7bit") if encoding in (b"8bit", b"binary") else fields
        if encoding not in _UNENCODED:
            raise _CannotError  # it says that it has no such octets
        kind = _kind(fields, default)
        if kind.main == b"multipart":
            self._multipart(kind, body, stop, depth)
            return _encoded(fields, b"7bit")
        if kind.main == b"message" and kind.sub in _MESSAGES:
            at, inner = self._split(body, stop)
            mark = len(self.pieces)
            head = self.message(body, at, inner, stop, depth + 1)
            self.pieces[mark:mark] = [head, self._content[at:inner]]
            return _encoded(fields, b"7bit")
        if kind.main == b"message" and kind.sub not in _ENCODABLE:
            raise _CannotError  # RFC 2046 section 5.2: no other encoding is allowed
        return _encoded(fields, self._leaf(self._content[body:stop]))

    def _multipart(self, kind: _Kind, start: int, stop: int, depth: int) -> None:
        if not kind.boundary or kind.sub == b"signed":
            raise _CannotError  # RFC 1847 section 2.1: a signed part may not be changed
        default = _DIGESTED if kind.sub == b"digest" else _PLAIN
        self._boundaries.append(kind.boundary)
        at, is_part = start, False
        for line, end, closes in self._delimiters(kind.boundary, start, stop):
            line = max(line, at)  # of two in a row, the line end between them is the first one's
            self._between(at, line, depth, default if is_part else None)
            self.pieces.append(self._content[line:end])
            at, is_part = end, not closes
        if at == start:
            raise _CannotError  # no delimiter: nobody knows what it is
        self._between(at, stop, depth, default if is_part else None)
        self._boundaries.pop()

    def _between(self, at: int, stop: int, depth: int, default: _Kind | None) -> None:
        """A part; or, without a default for its kind, what is read by nobody (RFC 2046 section 5.1.1)."""
        if default is None:
            self.pieces.append(self._content[at:stop].translate(_TO_ASCII))
            return
        end, body = self._split(at, stop)
        mark = len(self.pieces)
        fields = self._entity(self._content[at:end], body, stop, depth + 1, default)
        self.pieces[mark:mark] = [fields, self._content[end:body]]

    def _delimiters(self, boundary: bytes, start: int, stop: int) -> list[tuple[int, int, bool]]:
        """Each delimiter: where it starts, with the line end before it, where it ends, and whether it is the last."""
        content, found = self._content, list[tuple[int, int, bool]]()
        mark = b"--" + boundary
        at = start if content.startswith(mark, start) else content.find(b"\r\n" + mark, start, stop)
        while at >= 0:
            behind = content.find(mark, at, stop) + len(mark)
            end = content.find(b"\r\n", behind, stop)
            end = stop if end < 0 else end
            rest = content[behind:end].strip(b" \t")
            if rest == b"--":
                return [*found, (at, end, True)]
            if not rest:  # else it is another one, which begins alike
                found.append((at, min(end + 2, stop), False))
            at = content.find(b"\r\n" + mark, end, stop)
        return found

    def _split(self, start: int, stop: int) -> tuple[int, int]:
        """Where a part's fields end, and where its body starts."""
        if self._content.startswith(b"\r\n", start, stop):
            return start, start + 2
        at = self._content.find(b"\r\n\r\n", start, stop)
        return (stop, stop) if at < 0 else (at + 2, at + 4)

    def _leaf(self, body: bytes) -> bytes:
        """Put a body out encoded; returns the encoding's name."""
        escaped = len(body) - len(body.translate(None, _HIGH)) + body.count(b"=")
        if 2 * escaped <= len(body) // 3:
            encoded = quoted_printable(body)
            # A soft line end may have made the line of a boundary, in a text that speaks of it
            if not any(_has_line(encoded, b"--" + each) for each in self._boundaries):
                self.pieces.append(encoded)
                return b"quoted-printable"
        self.pieces.append(base64_lines(body))
        return b"base64"

    def _is_ascii(self, start: int, stop: int) -> bool:
        return self._content[start:stop].isascii()


def _find(fields: bytes, name: bytes) -> re.Match[bytes] | None:
    """Return the only field of this name. Raises _CannotError for two, between which readers would choose."""
    pattern = rb"^%b[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)\r\n" % name
    found = list(re.finditer(pattern, fields, re.IGNORECASE | re.MULTILINE))
    if len(found) > 1:
        raise _CannotError
    return found[0] if found else None


def _encoding(fields: bytes) -> bytes:
    field = _find(fields, b"content-transfer-encoding")
    token = None if field is None else _FIRST_TOKEN.search(field[1])
    return b"" if token is None else token[0].lower()


def _encoded(fields: bytes, encoding: bytes) -> bytes:
    at = _find(fields, b"content-transfer-encoding")
    line = b"Content-Transfer-Encoding: " + encoding + b"\r\n"
    return fields + line if at is None else fields[: at.start()] + line + fields[at.end() :]


def _kind(fields: bytes, default: _Kind) -> _Kind:
    field = _find(fields, b"content-type")
    if field is None:
        return default
    value = field[1].replace(b"\r\n", b"")  # unfolded
    named = _TYPE.match(value)
    if named is None:
        if value.strip().lower().startswith((b"multipart", b"message")):
            raise _CannotError
        return _OTHER
    at, boundary = named.end(), b""
    while (parameter := _PARAMETER.match(value, at)) is not None:
        at = parameter.end()
        if parameter[1].lower() == b"boundary":
            quoted, token = parameter[2], parameter[3]
            boundary = token if quoted is None else re.sub(rb"\\(.)", rb"\1", quoted)
    if len(boundary) > _MAX_BOUNDARY:
        raise _CannotError
    return _Kind(main=named[1].lower(), sub=named[2].lower(), boundary=boundary)


def _has_line(text: bytes, beginning: bytes) -> bool:
    return text.startswith(beginning) or b"\n" + beginning in text


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True

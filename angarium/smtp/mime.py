"""Where the parts of a message stand, and what they are (RFC 2045, RFC 2046), by positions in its octets. Sans-IO.

Nothing is guessed: what two readers could take differently is ``UnclearError``.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec

MAX_DEPTH: Final = 20  # of parts in parts (C2); ours, because mail that people write has five
MAX_PARTS: Final = 1000  # C2
_MAX_BOUNDARY: Final = 200  # RFC 2046 section 5.1.1 says 70

_TOKEN: Final = rb"[!#-'*+.0-9A-Z^-~-]+"  # RFC 2045 section 5.1, less "/" and "="
_TYPE: Final = re.compile(rb"[ \t]*(" + _TOKEN + rb")[ \t]*/[ \t]*(" + _TOKEN + rb")[ \t]*(?=;|\Z)")
_PARAMETER: Final = re.compile(
    rb";[ \t]*(" + _TOKEN + rb')[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t;"]+))[ \t]*'
)
_FIRST_TOKEN: Final = re.compile(_TOKEN)


class UnclearError(Exception):
    """It cannot be read without guessing, or not be changed without breaking what its author signed."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A part's Content-Type."""

    main: bytes
    sub: bytes
    parameters: Mapping[bytes, bytes] = {}  # names in lower case; the last of a name counts

    @property
    def boundary(self) -> bytes:
        return self.parameters.get(b"boundary", b"")


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between two delimiters of a multipart, or beside the first and the last of them."""

    start: int
    stop: int
    end: int  # of the delimiter behind it
    is_part: bool  # else it is read by nobody (RFC 2046 section 5.1.1)


PLAIN: Final = Kind(main=b"text", sub=b"plain")
DIGESTED: Final = Kind(main=b"message", sub=b"rfc822")  # RFC 2046 section 5.1.5
OTHER: Final = Kind(main=b"application", sub=b"octet-stream")


def find_field(fields: bytes, name: bytes) -> re.Match[bytes] | None:
    """Return the only field of this name. Raises UnclearError for two, between which readers would choose."""
    lower = fields.lower()
    if b"\n" + name not in lower and not lower.startswith(name):  # which is so of most
        return None
    found = list(_field(name).finditer(fields))
    if len(found) > 1:
        raise UnclearError
    return found[0] if found else None


@lru_cache(maxsize=64)
def _field(name: bytes) -> re.Pattern[bytes]:
    pattern = rb"^%b[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)\r\n" % name
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


def encoding_of(fields: bytes) -> bytes:
    """Return the transfer encoding's name in lower case; empty: none is given."""
    return first_token(fields, b"content-transfer-encoding")


def first_token(fields: bytes, name: bytes) -> bytes:
    """Return what a field begins with, in lower case; empty: it is not there, or has none."""
    field = find_field(fields, name)
    token = None if field is None else _FIRST_TOKEN.search(field[1])
    return b"" if token is None else token[0].lower()


def with_encoding(fields: bytes, encoding: bytes) -> bytes:
    at = find_field(fields, b"content-transfer-encoding")
    line = b"Content-Transfer-Encoding: " + encoding + b"\r\n"
    return fields + line if at is None else fields[: at.start()] + line + fields[at.end() :]


def with_mime(fields: bytes, body: bytes) -> bytes:
    """Return a message's fields such that what they say of its parts counts (RFC 2045 section 4)."""
    if find_field(fields, b"mime-version") is not None:
        return fields
    fields += b"MIME-Version: 1.0\r\n"
    if find_field(fields, b"content-type") is None:
        # RFC 1428 section 3 for what nobody said: but what is valid UTF-8 is nothing else
        charset = b"utf-8" if _is_utf8(body) else b"unknown-8bit"
        fields += b"Content-Type: text/plain; charset=" + charset + b"\r\n"
    return fields


def kind_of(fields: bytes, default: Kind) -> Kind:
    field = find_field(fields, b"content-type")
    if field is None:
        return default
    value = field[1].replace(b"\r\n", b"")  # unfolded
    named = _TYPE.match(value)
    if named is None:
        if value.strip().lower().startswith((b"multipart", b"message")):
            raise UnclearError
        return OTHER
    at, parameters = named.end(), dict[bytes, bytes]()
    while (parameter := _PARAMETER.match(value, at)) is not None:
        at = parameter.end()
        quoted, token = parameter[2], parameter[3]
        parameters[parameter[1].lower()] = (
            token if quoted is None else re.sub(rb"\\(.)", rb"\1", quoted)
        )
    kind = Kind(main=named[1].lower(), sub=named[2].lower(), parameters=parameters)
    if len(kind.boundary) > _MAX_BOUNDARY:
        raise UnclearError
    return kind


def sections(content: bytes, boundary: bytes, start: int, stop: int) -> Iterator[Section]:
    """Yield all that a multipart's body is made of. Raises UnclearError: there is no delimiter of it."""
    at, is_part = start, False
    for line, end, closes in _delimiters(content, boundary, start, stop):
        # Of two in a row, the line end between them is the first one's
        yield Section(start=at, stop=max(line, at), end=end, is_part=is_part)
        at, is_part = end, not closes
    if at == start:
        raise UnclearError
    yield Section(start=at, stop=stop, end=stop, is_part=is_part)


def split(content: bytes, start: int, stop: int) -> tuple[int, int]:
    """Where a part's fields end, and where its body starts."""
    if content.startswith(b"\r\n", start, stop):
        return start, start + 2
    at = content.find(b"\r\n\r\n", start, stop)
    return (stop, stop) if at < 0 else (at + 2, at + 4)


def _delimiters(
    content: bytes, boundary: bytes, start: int, stop: int
) -> list[tuple[int, int, bool]]:
    """Each delimiter: where it starts, with the line end before it, where it ends, and whether it is the last."""
    found = list[tuple[int, int, bool]]()
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


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True

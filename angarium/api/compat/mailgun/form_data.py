"""multipart/form-data (RFC 7578), read from octets: fields and files in order. Pure, linear, and within bounds (C2)."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from angarium.api.compat.mailgun.fields import FormField

MAX_HEADER_OCTETS: Final = 8_192  # of one part; ours
MAX_BOUNDARY: Final = 200  # RFC 2046 section 5.1.1 says 70
_END: Final = b"\r\n"
_PADDING: Final = re.compile(rb"[ \t]{0,100}\r\n")
_LINE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
_KIND: Final = re.compile(r"form-data(?![^\s;])", re.IGNORECASE)
_PARAMETER: Final = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))\s*')
_CHARSET: Final = re.compile(r';\s*charset\s*=\s*"?([A-Za-z0-9_.:-]{1,40})"?', re.IGNORECASE)
_ESCAPED: Final = re.compile(r'\\(["\\])')
# What the HTML standard writes for these in names, and nobody else
_ESCAPES: Final = {"%22": '"', "%0A": "\n", "%0D": "\r"}
_ESCAPE: Final = re.compile("|".join(_ESCAPES), re.IGNORECASE)
_AS_THEY_ARE: Final = frozenset({"", "7bit", "8bit", "binary"})


class FormDataError(ValueError):
    """It is no form, or not a whole one; the text says why."""


def read_form_data(octets: bytes, boundary: str) -> Iterator[FormField]:
    """Yield the fields. Raises FormDataError, as late as at the end, where a form that was cut short ends."""
    if not 0 < len(boundary) <= MAX_BOUNDARY or not boundary.isascii():
        raise FormDataError("Content-Type has no boundary of 1 to 200 ASCII characters")
    mark = b"--" + boundary.encode()
    start = len(mark) if octets.startswith(mark) else _next_mark(octets, 0, mark)[1]
    while not octets.startswith(b"--", start):
        padding = _PADDING.match(octets, start)
        if padding is None:
            raise FormDataError("a boundary has text behind it")
        # The line's end before a boundary is the boundary's; where there is no header, it is the header's, too
        end, after = _next_mark(octets, padding.end() - len(_END), mark)
        yield _field(octets, padding.end(), end)
        start = after


def _next_mark(octets: bytes, start: int, mark: bytes) -> tuple[int, int]:
    """Return where what is before the next boundary ends, and where the boundary's name does."""
    whole = _END + mark
    at = octets.find(whole, start)
    while at >= 0:
        after = at + len(whole)
        if octets.startswith(b"--", after) or _PADDING.match(octets, after):
            return at, after
        at = octets.find(whole, after)  # its line goes on: it is text
    raise FormDataError("it ends without its last boundary")


def _field(octets: bytes, start: int, end: int) -> FormField:
    if octets.startswith(_END, start):
        header, body = b"", start + len(_END)
    else:
        at = octets.find(_END + _END, start, min(end, start + MAX_HEADER_OCTETS))
        if at < 0:
            raise FormDataError(f"a part has no header of up to {MAX_HEADER_OCTETS} octets")
        header, body = octets[start:at], at + 2 * len(_END)
    fields = _header(header)
    parameters = _disposition(fields.get("content-disposition", ""))
    encoding = fields.get("content-transfer-encoding", "").lower()
    if encoding not in _AS_THEY_ARE:
        raise FormDataError("a part has a Content-Transfer-Encoding, which forms do without")
    content_type = fields.get("content-type", "")
    charset = _CHARSET.search(content_type)
    return FormField(
        name=parameters["name"],
        content=octets[body : max(body, end)],
        charset=charset[1] if charset else "utf-8",
        filename=parameters.get("filename", ""),
        content_type=content_type,
    )


def _header(octets: bytes) -> dict[str, str]:
    try:
        lines = octets.decode().split("\r\n")
    except UnicodeDecodeError:
        raise FormDataError("the header of a part is not UTF-8") from None
    fields: dict[str, str] = {}
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None or found[1].lower() in fields:
            raise FormDataError("the header of a part cannot be read")
        fields[found[1].lower()] = found[2]
    return fields


def _disposition(value: str) -> dict[str, str]:
    """Return its parameters; ``name`` is among them."""
    kind = _KIND.match(value)
    found: dict[str, str] = {}
    at = kind.end() if kind else 0
    while kind and at < len(value):
        parameter = _PARAMETER.match(value, at)
        if parameter is None:
            break
        name = parameter[1].lower()
        if name in found:
            break
        quoted = parameter[2]
        found[name] = parameter[3] if quoted is None else _unquoted(quoted)
        at = parameter.end()
    if kind is None or at < len(value) or not found.get("name"):
        raise FormDataError("a part is no field of a form with a name")
    if extended := found.pop("filename*", ""):
        found["filename"] = _extended(extended)
    return found


def _unquoted(text: str) -> str:
    text = _ESCAPED.sub(r"\1", text)
    return _ESCAPE.sub(lambda found: _ESCAPES[found[0].upper()], text)


def _extended(text: str) -> str:
    """RFC 8187 section 3.2."""
    charset, _, rest = text.partition("'")
    try:
        return unquote_to_bytes(rest.partition("'")[2]).decode(charset or "utf-8")
    except (UnicodeDecodeError, LookupError):
        raise FormDataError("the name of a file cannot be read") from None

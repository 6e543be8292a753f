"""Quoted-printable and base64, as the bodies of MIME parts have them (RFC 2045 sections 6.7 and 6.8)."""

import re
from binascii import Error, a2b_base64, a2b_qp, b2a_base64, b2a_qp
from collections.abc import Collection
from typing import Final

_BASE64_OCTETS: Final = 57  # of a line: 76 characters
_LINE: Final = 76  # characters, its "=" included
UNENCODED: Final = (b"", b"7bit", b"8bit", b"binary")  # RFC 2045 section 6.2
_BLANKS: Final = (b" ", b"\t")
# How no line may begin that we make: a dot is doubled by SMTP, "--" may be a boundary, "From " a mailbox's next mail
_BAD_STARTS: Final = (b".", b"--", b"From")
_BAD_LINE: Final = re.compile(rb"\n(?=[.]|--|From)")
# What may stand in a line as it is, but for a blank at its end and "="
_PLAIN: Final = b"\t" + bytes(range(0x20, 0x7F))
# Ours: of a text with more octets that are not ASCII, to replace them one after the other takes longer than the library
_FEW_HIGH: Final = 24
# As much as a line has room for in front of its soft end, and no escape cut in two; if there is a way, such that the
# next line begins well
_SOFT_LINE: Final = re.compile(rb"(?s).{1,75}(?<!=)(?<!=.)(?![.]|--|From)|.{1,75}(?<!=)(?<!=.)")


def quoted_printable(text: bytes) -> bytes:
    """Encode whatever octets, so that they are decoded to just these (RFC 2045 section 6.7).

    CRLF are line ends; where there is a CR or LF by itself, all are encoded. No line begins with a dot, ``--`` or
    ``From``.
    """
    others = text.translate(None, _PLAIN)
    high = others.translate(None, b"\r\n")
    ends = others.count(b"\n")
    encoded = None
    if others.count(b"\r") == ends and (not high or min(high) > 0x7F):
        encoded = _by_lines(text, set(high), ends)
    if encoded is None:
        encoded = _by_library(text, has_lines=others.count(b"\r") == ends == text.count(b"\r\n"))
    if encoded.startswith(_BAD_STARTS):
        encoded = _escaped_start(encoded)
    # Again, since a line that became too long goes on in the next, which may begin alike
    while _BAD_LINE.search(encoded) is not None:
        first, *others_of = _BAD_LINE.split(encoded)
        encoded = b"\n".join((first, *map(_escaped_start, others_of)))
    return encoded


def _by_lines(text: bytes, high: Collection[int], ends: int) -> bytes | None:
    """Encode a text without control characters. Most lines stay as they are, and to see that is fast.

    ``high``: those of its octets that are not ASCII. ``ends``: how many CR it has, and LF; None: some of them are no
    line ends.
    """
    escaped = text.replace(b"=", b"=3D")
    is_few = len(high) <= _FEW_HIGH
    for each in high if is_few else ():
        escaped = escaped.replace(bytes((each,)), b"=%02X" % each)
    lines = escaped.split(b"\r\n")
    if len(lines) - 1 != ends:
        return None
    if not is_few:
        for at, line in enumerate(lines):
            if not line.isascii():
                lines[at] = _by_library(line.replace(b"=3D", b"="), has_lines=True)
    # Few texts have tabs at all
    has_blanks = b" \r\n" in text or (b"\t" in text and b"\t\r\n" in text)
    if has_blanks or text.endswith(_BLANKS):
        for at, line in enumerate(lines):
            if line.endswith(_BLANKS):
                lines[at] = b"%b=%02X" % (line[:-1], line[-1])
    # What has its lines already is in them as it is
    soft, cut = b"=\r\n", _SOFT_LINE.findall
    return b"\r\n".join(
        [line if len(line) <= _LINE or b"\n" in line else soft.join(cut(line)) for line in lines]
    )


def _by_library(text: bytes, *, has_lines: bool) -> bytes:
    """The library makes lines of 77 in front of a LF, and of a blank at the end: these are cut."""
    encoded = b2a_qp(text, istext=has_lines)
    if b"\n" in encoded:  # soft line ends are bare where the text has no others
        encoded = encoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    lines = encoded.split(b"\r\n")
    if max(map(len, lines)) > _LINE:
        encoded = b"\r\n".join(map(_cut, lines))
    return encoded


def _cut(line: bytes) -> bytes:
    if len(line) <= _LINE:
        return line
    is_soft = line.endswith(b"=")
    text = line.removesuffix(b"=")
    at = len(text) - (3 if text[-3:-2] == b"=" else 1)
    return text[:at] + b"=\r\n" + text[at:] + (b"=" if is_soft else b"")


def _escaped_start(text: bytes) -> bytes:
    """Return a text whose first octet is encoded."""
    end = text.find(b"\r")
    first, rest = b"=%02X" % text[0], text[1:]
    is_short = (len(text) if end < 0 else end) <= _LINE - 2
    return first + (rest if is_short else b"=\r\n" + rest)


def base64_lines(data: bytes) -> bytes:
    """RFC 2045 section 6.8: lines of at most 76."""
    starts = range(0, len(data), _BASE64_OCTETS)
    lines = (b2a_base64(data[at : at + _BASE64_OCTETS], newline=False) for at in starts)
    return b"".join(line + b"\r\n" for line in lines)


def decoded(body: bytes, encoding: bytes) -> bytes | None:
    """Return a body's octets; None: the encoding (of lower case) is not known, or the body is none of it."""
    if encoding in UNENCODED:
        return body
    if encoding == b"quoted-printable":
        return a2b_qp(body)
    if encoding == b"base64":
        try:
            return a2b_base64(body)
        except Error:
            return None
    return None

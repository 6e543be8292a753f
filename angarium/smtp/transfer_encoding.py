"""Quoted-printable and base64, as the bodies of MIME parts have them (RFC 2045 sections 6.7 and 6.8)."""

import re
from binascii import Error, a2b_base64, a2b_qp, b2a_base64, b2a_qp
from typing import Final

_BASE64_OCTETS: Final = 57  # of a line: 76 characters
_LINE: Final = 76  # characters, its "=" included
UNENCODED: Final = (b"", b"7bit", b"8bit", b"binary")  # RFC 2045 section 6.2
# How no line may begin that we make: a dot is doubled by SMTP, "--" may be a boundary, "From " a mailbox's next mail
_BAD_START: Final = re.compile(rb"(?<![^\n])(?:\.|--|From )[^\r\n]*")


def quoted_printable(text: bytes) -> bytes:
    """Encode whatever octets, so that they are decoded to just these (RFC 2045 section 6.7).

    CRLF are line ends; a CR or LF by itself is encoded. No line begins with a dot, ``--`` or ``From ``.
    """
    ends = text.count(b"\r\n")
    has_lines = text.count(b"\n") == ends and text.count(b"\r") == ends
    encoded = b2a_qp(text, istext=has_lines)
    encoded = encoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")  # soft line ends may be bare
    while _BAD_START.search(encoded) is not None:
        encoded = _BAD_START.sub(_escape_start, encoded)
    return encoded


def _escape_start(line: re.Match[bytes]) -> bytes:
    text = line[0]
    first, rest = b"=%02X" % text[0], text[1:]
    return first + rest if len(first) + len(rest) <= _LINE else first + b"=\r\n" + rest


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

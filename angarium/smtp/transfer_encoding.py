"""Quoted-printable and base64, as the bodies of MIME parts have them (RFC 2045 sections 6.7 and 6.8)."""

from binascii import b2a_base64, b2a_qp
from typing import Final

_BASE64_OCTETS: Final = 57  # of a line: 76 characters


def quoted_printable(text: bytes) -> bytes:
    """Encode lines that end in CRLF (RFC 2045 section 6.7)."""
    encoded = b2a_qp(text, istext=True)
    return encoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")  # soft line ends may be bare


def base64_lines(data: bytes) -> bytes:
    """RFC 2045 section 6.8: lines of at most 76."""
    starts = range(0, len(data), _BASE64_OCTETS)
    lines = (b2a_base64(data[at : at + _BASE64_OCTETS], newline=False) for at in starts)
    return b"".join(line + b"\r\n" for line in lines)

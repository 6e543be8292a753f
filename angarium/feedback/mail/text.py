"""A part's body as text: transfer encoding and charset undone, HTML made plain. Pure."""

import binascii
import re
from typing import Final

from angarium.feedback.mail.charset import decode_as
from angarium.feedback.mail.html_text import plain_text
from angarium.feedback.mail.parts import Part

# Ours: a notice says what it has to say within this; C4, since rules read the whole of it
MAX_TEXT_OCTETS: Final = 32 * 1024
# A report of some hundred recipients
MAX_STATUS_OCTETS: Final = 128 * 1024
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")


def octets_of(part: Part, limit: int = MAX_TEXT_OCTETS) -> bytes:
    """Return the first octets of the body with the transfer encoding undone; as they are where it is broken."""
    encoding = part.fields.raw("content-transfer-encoding").strip().lower()
    body = part.body
    if encoding == "base64":
        return _of_base64(body[: limit * 3 // 2])
    if encoding == "quoted-printable":
        # Bare CRs stay: a2b_qp knows CR LF.
        return binascii.a2b_qp(body[: limit * 3])[:limit]
    return body[:limit]


def _of_base64(body: bytes) -> bytes:
    digits = _NOT_BASE64.sub(b"", body.partition(b"=")[0])
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    try:
        return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))
    except (ValueError, binascii.Error):
        return body


def text_of(part: Part, limit: int = MAX_TEXT_OCTETS) -> str:
    """Return the part's text, lines ended by LF; what stands behind ``limit`` octets is left out."""
    text = decode_as(octets_of(part, limit), part.parameters.get("charset", ""))
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return plain_text(text) if part.content_type in {"text/html", "application/xhtml+xml"} else text

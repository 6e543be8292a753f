"""The part that gives the message back: its header only, unless RET=FULL was asked for and it is small (A5)."""

from typing import Final

import msgspec

from angarium.mta.dsn.line import MAX_LINE
from angarium.queue.model import ClaimedMessage
from angarium.smtp.transfer_encoding import base64_lines, quoted_printable

# Ours: beyond, RET=FULL gives the header only (RFC 3461 section 4.3 allows)
MAX_MESSAGE_OCTETS: Final = 262_144
MAX_HEADER_OCTETS: Final = 65_536  # ours: what is longer is cut at a line
_UNSAFE: Final = bytes(ord("?") if c in b"\r\n\0" else c for c in range(256))


class MimePart(msgspec.Struct, frozen=True, kw_only=True):
    content_type: str
    encoding: str  # content-transfer-encoding
    body: bytes  # encoded; ends in CRLF


def returned_part(message: ClaimedMessage, *, full: bool, utf8: bool) -> MimePart:
    """Return the message or its header. ``full``: the DSN tells of a failure, so RET counts (RFC 3461 section 4.3).

    The result is ASCII unless ``utf8``.
    """
    if full and message.envelope.ret == "FULL" and len(message.content) <= MAX_MESSAGE_OCTETS:
        whole = _whole_message(message, utf8=utf8)
        if whole is not None:
            return whole
    header = _bounded_lines(message.content[: message.header_octets])
    is_global = message.envelope.smtputf8 and not header.isascii()
    kind = "message/global-headers" if is_global else "text/rfc822-headers"
    if _is_plain(header):
        return MimePart(content_type=kind, encoding="7bit", body=header)
    if utf8 and is_global and _is_short(header):
        return MimePart(content_type=kind, encoding="8bit", body=header)
    return MimePart(content_type=kind, encoding="quoted-printable", body=quoted_printable(header))


def _whole_message(message: ClaimedMessage, *, utf8: bool) -> MimePart | None:
    content = _safe_lines(message.content)
    if _is_plain(content):
        return MimePart(content_type="message/rfc822", encoding="7bit", body=content)
    if not message.envelope.smtputf8:
        return None  # RFC 2046 section 5.2.1: 8-bit content could only go where 8BITMIME is spoken
    if utf8 and _is_short(content):
        return MimePart(content_type="message/global", encoding="8bit", body=content)
    return MimePart(  # RFC 6532 section 3.7: any encoding is allowed
        content_type="message/global", encoding="base64", body=base64_lines(content)
    )


def _bounded_lines(header: bytes) -> bytes:
    if len(header) > MAX_HEADER_OCTETS:
        header = header[: header.rfind(b"\r\n", 0, MAX_HEADER_OCTETS) + 2]
    return _safe_lines(header)


def _safe_lines(content: bytes) -> bytes:
    """S2: whatever the queue holds, only CRLF ends a line of ours. Ends in CRLF."""
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    if content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n") and (
        b"\0" not in content
    ):
        return content
    return b"\r\n".join(line.translate(_UNSAFE) for line in content.split(b"\r\n"))


def _is_plain(content: bytes) -> bool:
    return content.isascii() and _is_short(content)


def _is_short(content: bytes) -> bool:
    return all(len(line) <= MAX_LINE for line in content.split(b"\r\n"))

"""Message content as a client may send it: CRLF line ends only, dots stuffed (S2)."""

from angarium.smtp.line_ends import has_only_crlf


class ContentError(Exception):
    """The content has a bare CR or LF, or its header is not a block of lines; nothing was sent."""


def checked(header: bytes, body: bytes) -> bool:
    """Return whether a line starts with a dot; raises ContentError for a bare CR or LF (S2).

    RFC 5321 section 2.3.8: CR and LF occur as CRLF only. The header ends in CRLF, so the
    body's first line starts a line.
    """
    if header[-2:] != b"\r\n":
        raise ContentError("the header does not end in CRLF")
    if not (has_only_crlf(header) and has_only_crlf(body)):
        raise ContentError("a CR or LF that is no line end")
    return header[:1] == b"." or body[:1] == b"." or b"\r\n." in header or b"\r\n." in body


def stuffed(content: bytes) -> bytes:
    """``content``, which starts at a line's start, with its leading dots doubled.

    RFC 5321 section 4.5.2.
    """
    content = content.replace(b"\r\n.", b"\r\n..")
    return b"." + content if content[:1] == b"." else content

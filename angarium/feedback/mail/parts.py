"""A mail's structure: its parts in their order, within limits. Pure.

Not ``email.parser`` (C2): depth, parts, and octets have limits here, and a boundary that is also its parent's, or
begins like it, costs nothing. RFC 2046 section 5.1.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from angarium.feedback.mail.fields import Fields, read_fields
from angarium.feedback.mail.parameters import read_parameters

# C2: ours. A report has three parts at depth one or two; what stands behind these is not looked at.
MAX_OCTETS: Final = 1024 * 1024
MAX_DEPTH: Final = 8
MAX_PARTS: Final = 100
_GUESS: Final = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]*\r?\n(?=[A-Za-z-]+:|\r?\n)", re.MULTILINE)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A leaf of the structure. An attached mail is one leaf: what it is made of is another mail's."""

    content_type: str  # lower case; "text/plain" where the part names none
    parameters: Mapping[str, str]
    fields: Fields
    body: bytes  # as transferred


class ParsedMail(msgspec.Struct, frozen=True, kw_only=True):
    fields: Fields
    content_type: str  # of the whole mail
    parameters: Mapping[str, str]
    parts: tuple[Part, ...]  # at least one
    is_cut: bool  # it had more octets or parts than are looked at


class _Reading:
    __slots__ = ("is_cut", "parts")

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.is_cut = False


def read_parts(octets: bytes, most: int = MAX_OCTETS) -> ParsedMail:
    """Take a mail apart, as far as its first ``most`` octets. What is broken is read as far as it goes."""
    cut = octets[:most]
    fields, start = read_fields(cut)
    content_type, parameters = _content_type(fields)
    reading = _Reading()
    _walk(fields, content_type, parameters, cut[start:], 0, reading)
    return ParsedMail(
        fields=fields,
        content_type=content_type,
        parameters=parameters,
        parts=tuple(reading.parts),
        is_cut=reading.is_cut or len(octets) > most,
    )


def _content_type(fields: Fields) -> tuple[str, Mapping[str, str]]:
    value = fields.raw("content-type")
    name, parameters = read_parameters(value) if value else ("", {})
    return (name if "/" in name else "text/plain"), parameters


def _walk(
    fields: Fields,
    content_type: str,
    parameters: Mapping[str, str],
    body: bytes,
    depth: int,
    reading: _Reading,
) -> None:
    pieces = (
        _pieces(body, parameters.get("boundary", ""))
        if content_type.startswith("multipart/")
        else []
    )
    if not pieces or depth == MAX_DEPTH:
        if content_type.startswith("multipart/"):
            content_type = "text/plain"
        reading.parts.append(
            Part(content_type=content_type, parameters=parameters, fields=fields, body=body)
        )
        return
    for start, end in pieces:
        if len(reading.parts) >= MAX_PARTS:
            reading.is_cut = True
            return
        piece = body[start:end]
        if piece.startswith((b"\n", b"\r\n")):
            # A part without a header (RFC 2046 section 5.1)
            inner, offset = Fields(), piece.index(b"\n") + 1
        else:
            inner, offset = read_fields(piece)
            if not len(inner):
                offset = 0
        inner_type, inner_parameters = _content_type(inner)
        _walk(inner, inner_type, inner_parameters, piece[offset:], depth + 1, reading)


def _pieces(body: bytes, boundary: str) -> list[tuple[int, int]]:
    """Return where each part begins and ends; nothing where no delimiter is found."""
    found = _delimited(body, boundary.encode("utf-8", "replace").rstrip()) if boundary else []
    if found:
        return found
    guess = _GUESS.search(body[:65536])
    return _delimited(body, guess[1]) if guess else []


def _delimited(body: bytes, boundary: bytes) -> list[tuple[int, int]]:
    pieces: list[tuple[int, int]] = []
    start = -1
    # A pattern that begins with a literal is searched for as fast as that; the line end before the first is ours
    pattern = re.compile(rb"\n--" + re.escape(boundary) + rb"(--)?[ \t]*\r?(?=\n|\Z)")
    for found in pattern.finditer(b"\n" + body):
        if start >= 0:
            pieces.append((start, max(start, found.start() - 1)))
        start = min(found.end(), len(body))
        if found[1] is not None or len(pieces) > MAX_PARTS:
            return pieces
    if start >= 0:
        pieces.append((start, len(body)))
    return pieces


def file_name(part: Part) -> str:
    """Return the name that the part has as a file; "": none."""
    from_type = part.parameters.get("name", "")
    if from_type:
        return from_type.strip()
    return read_parameters(part.fields.raw("content-disposition"))[1].get("filename", "").strip()

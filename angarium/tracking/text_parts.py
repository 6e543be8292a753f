"""The parts of a message that people read as text, where they stand in its octets. Pure.

Not among them: attachments, messages in messages, and what is signed or encrypted.
"""

from typing import Final, Literal

import msgspec

from angarium.smtp.mime import (
    DIGESTED,
    MAX_DEPTH,
    MAX_PARTS,
    PLAIN,
    Kind,
    UnclearError,
    encoding_of,
    find_field,
    first_token,
    kind_of,
    sections,
    split,
)

# unreadable: its structure, its encoding or its charset is not clear; long: it would take too much time
Why = Literal["signed", "encrypted", "unreadable", "long"]
Form = Literal["html", "text", "amp"]
_FORMS: Final[dict[bytes, Form]] = {b"html": "html", b"plain": "text", b"x-amp-html": "amp"}
_SEALED: Final[dict[bytes, Why]] = {b"signed": "signed", b"encrypted": "encrypted"}
_SMIME: Final = (b"pkcs7-mime", b"x-pkcs7-mime")


class TextPart(msgspec.Struct, frozen=True, kw_only=True):
    fields: int  # where its fields begin
    fields_stop: int  # and end, without the empty line
    is_whole: bool  # it is the message's only one, and its fields are the header
    start: int  # of its body
    stop: int
    form: Form
    encoding: bytes  # of the transfer, in lower case; empty: none is given
    charset: str  # in lower case; empty: none is given
    is_spaced: bool = False  # format=flowed with DelSp: a line that ends in a blank goes on in the next without it

    @property
    def is_html(self) -> bool:
        return self.form != "text"


class TextParts(msgspec.Struct, frozen=True, kw_only=True):
    parts: tuple[TextPart, ...]  # in order
    left: tuple[Why, ...]  # what was not looked into


def read_parts(content: bytes, header_octets: int) -> TextParts:
    """Read whatever the content is. ``header_octets``: with the empty line."""
    if not content[:header_octets].endswith(b"\r\n\r\n"):
        return TextParts(parts=(), left=("unreadable",))
    reading = _Reading(content)
    try:
        reading.entity(0, header_octets - 2, header_octets, len(content), 0, PLAIN)
    except UnclearError:
        return TextParts(parts=(), left=("unreadable",))
    return TextParts(parts=tuple(reading.parts), left=tuple(reading.left))


class _Reading:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._count = 0
        self.parts: list[TextPart] = []
        self.left: list[Why] = []

    def entity(self, start: int, end: int, body: int, stop: int, depth: int, default: Kind) -> None:
        """A part: its fields from ``start`` to ``end``, its body from ``body`` to ``stop``."""
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_PARTS:
            raise UnclearError
        fields = self._content[start:end]
        if depth == 0:
            find_field(fields, b"mime-version")  # raises for two
        kind = kind_of(fields, default)
        if kind.main == b"multipart":
            if (sealed := _SEALED.get(kind.sub)) is not None:
                self.left.append(sealed)
            else:
                self._multipart(kind, body, stop, depth)
        elif kind.main == b"application" and kind.sub in _SMIME:
            self.left.append("encrypted")
        elif kind.main == b"text" and kind.sub in _FORMS and not _is_file(fields, kind):
            is_spaced = kind.parameters.get(b"delsp", b"").lower() == b"yes"
            self.parts.append(
                TextPart(
                    fields=start,
                    fields_stop=end,
                    is_whole=depth == 0,
                    start=body,
                    stop=stop,
                    form=_FORMS[kind.sub],
                    encoding=encoding_of(fields),
                    charset=kind.parameters.get(b"charset", b"").decode("latin-1").lower(),
                    is_spaced=is_spaced,
                )
            )

    def _multipart(self, kind: Kind, start: int, stop: int, depth: int) -> None:
        if not kind.boundary:
            raise UnclearError
        default = DIGESTED if kind.sub == b"digest" else PLAIN
        for each in sections(self._content, kind.boundary, start, stop):
            end, body = split(self._content, each.start, each.stop)
            if each.is_part and end < body:  # else it is all fields
                self.entity(each.start, end, body, each.stop, depth + 1, default)


def _is_file(fields: bytes, kind: Kind) -> bool:
    if first_token(fields, b"content-disposition") == b"attachment" or b"name" in kind.parameters:
        return True
    disposition = find_field(fields, b"content-disposition")
    return disposition is not None and b"filename" in disposition[1].lower()

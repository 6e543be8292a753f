"""A letter to be written, as a value, and what may be wrong with it. Pure."""

from typing import Literal

import msgspec

from angarium.smtp.address import Address

Disposition = Literal["", "attachment", "inline"]


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    address: Address
    name: str = ""  # any characters but controls


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    content: bytes
    content_type: str = "application/octet-stream"  # with parameters, if it has any
    filename: str = ""  # any characters but controls
    content_id: str = ""  # what HTML names as cid:; "": it is not shown inside the text
    disposition: Disposition = ""  # "": inline where it has a content id


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    author: Mailbox
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    subject: str = ""
    text: str | None = None  # any line ends
    html: str | None = None
    amp: str | None = None  # text/x-amp-html; only beside text or HTML
    attachments: tuple[Attachment, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()  # more of the header, in order
    date: str  # as ``smtp.date.render_date`` writes it
    message_id: str = ""  # with its angle brackets; "": whoever takes the message adds one


class LetterError(ValueError):
    """It cannot be written. ``field`` says where: ``subject``, ``to[1].name``, ``headers.X-A``."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason  # for people: what is wrong, and what to do

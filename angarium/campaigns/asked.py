"""What a tenant wants of a campaign, as it is kept in the ledger: pinned when it is created. Pure.

One JSON object, of which a newer version may have more members.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from angarium.content.letter import LetterError, Mailbox
from angarium.content.mailbox import read_mailbox
from angarium.intake.order import Addressee, Caller, Order, TemplateUse
from angarium.queue.model import UnixMs
from angarium.tables.model import Layout, Row, Wish


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    # Of the file: found out once, so that rows are the same whenever they are read. None: it is not fetched yet
    layout: Layout | None = None
    # Where the file is still to be fetched; of an upload in its bucket, s3://. It may be a secret, and goes when it was
    csv_url: str = ""
    wish: Wish = Wish()  # how that file is to be read
    filename: str = ""
    upload_id: str = ""
    template: str = ""  # its id; "": all get the text and HTML below
    template_version: int = 0
    text: str | None = None
    html: str | None = None
    author: str  # as a person writes it
    reply_to: tuple[str, ...] = ()
    subject: str = ""  # instead of the template's
    locale: str = ""
    data: Mapping[str, Any] = {}  # of all mails; a row's own values win
    stream: str = ""
    topic: str = ""
    language: str = ""  # of the pages where one leaves; "": ``locale``
    name: str = ""  # for people
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = {}
    send_at: UnixMs = UnixMs(0)
    expires_at: UnixMs = UnixMs(0)  # what has not left by then is not sent; 0: as the stream has it
    opens: bool | None = None  # tracked; None: as the stream has it, as the next
    clicks: bool | None = None
    duplicates: Literal["refuse", "send"] = "refuse"
    dry_rows: int = 0  # of a dry run: so many are rendered, too; the others are only read
    # Who asked
    key_id: str = ""
    address: str = ""
    listener: str = ""
    request_id: str = ""


class AskedError(Exception):
    """What is kept cannot be read."""


def encode_asked(asked: Asked) -> bytes:
    return msgspec.json.encode(asked)


def decode_asked(octets: bytes) -> Asked:
    """Raises AskedError."""
    try:
        return msgspec.json.decode(octets, type=Asked)
    except (msgspec.DecodeError, RecursionError) as error:
        raise AskedError(f"what was asked is damaged: {error}") from None


class Blank:
    """The order that all rows of a campaign have in common."""

    def __init__(self, asked: Asked, campaign: str) -> None:
        """``campaign``: its id as text, by which its mail is known in the queue. Raises AskedError."""
        try:
            author = read_mailbox(asked.author, "from")
            reply_to = tuple([read_mailbox(each, "replyTo") for each in asked.reply_to])
        except LetterError as error:
            raise AskedError(f"{error.field}: {error.reason}") from None
        self._data = asked.data
        self._use: TemplateUse | None = None
        if asked.template:
            self._use = TemplateUse(
                name=asked.template, version=asked.template_version, locale=asked.locale
            )
        self._order = Order(
            author=author,
            reply_to=reply_to,
            subject=asked.subject,
            text=asked.text,
            html=asked.html,
            makes_text=True,
            stream=asked.stream,
            topic=asked.topic,
            language=asked.language,
            campaign=campaign,
            tags=asked.tags,
            metadata=asked.metadata,
            expires_at=asked.expires_at or None,
            track_opens=asked.opens,
            track_clicks=asked.clicks,
        )

    def order(self, row: Row) -> Order:
        return self.order_to(row.mailbox, row.variables)

    def order_to(self, mailbox: Mailbox, variables: Mapping[str, Any]) -> Order:
        to = (Addressee(mailbox=mailbox),)
        if self._use is None:
            return msgspec.structs.replace(self._order, to=to)
        use = msgspec.structs.replace(self._use, data={**self._data, **variables})
        return msgspec.structs.replace(self._order, to=to, template=use)


def caller_of(
    asked: Asked, tenant: str, *, domains: tuple[str, ...], senders: tuple[str, ...]
) -> Caller:
    """Who it is sent as: the key that asked, with what its tenant may send as now."""
    return Caller(
        tenant=tenant,
        key_id=asked.key_id,
        domains=domains,
        senders=senders,
        address=asked.address,
        listener=asked.listener,
        dialect="native",
        request_id=asked.request_id,
    )

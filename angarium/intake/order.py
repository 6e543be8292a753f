"""One message as a client of the HTTP API wants it, in whatever dialect it asked. Pure values.

Dialects make orders of what clients send them; ``sending`` takes them, and answers with what came of each.
"""

import enum
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from angarium.content.checking.rule import Finding
from angarium.content.letter import Attachment, Mailbox
from angarium.intake.recipient_places import RecipientPlaces
from angarium.queue.model import IfMissed, UnixMs
from angarium.templates.bundle import Bundle


class Addressee(msgspec.Struct, frozen=True, kw_only=True):
    """One who is to get it."""

    mailbox: Mailbox
    metadata: Mapping[str, Any] = {}  # of this recipient alone: comes back in its events
    variables: Mapping[str, Any] = {}  # likewise
    is_tracked: bool = True  # False: not this one, whatever the others are


class RawMail(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is written already. Its envelope is the order's ``to``, ``cc`` and ``bcc``."""

    content: bytes  # any line ends, as the client gave it
    reverse_path: str = ""  # "": the author's address


class TemplateUse(msgspec.Struct, frozen=True, kw_only=True):
    """A template of the tenant's, and what it is filled with. Each addressee's variables win over ``data``."""

    name: str  # its id or its alias
    version: int | str | None = None  # None: the published one; a text: its tag, or its number
    data: Mapping[str, Any] = {}
    locale: str = ""  # "": the template's own
    wins: bool = False  # where both the order and the template have a part, the template's is taken
    inline: Bundle | None = None  # it came with the order, and is kept nowhere; then ``name`` is ""
    places: RecipientPlaces | None = None  # of the only recipient, in what is made of it


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Decoded and read, field by field; whether its sender may send it is asked later."""

    author: Mailbox | None  # None: of a raw message, whose header says it
    to: tuple[Addressee, ...] = ()
    cc: tuple[Addressee, ...] = ()
    bcc: tuple[Addressee, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    amp: str | None = None
    makes_text: bool = False  # of HTML alone, a text part is made
    preheader: str = ""  # what lists of mail show behind the subject
    attachments: tuple[Attachment, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()  # more of the header, in order
    raw: RawMail | None = None  # instead of the parts above, from ``subject`` on
    # Makes subject, preheader, text, HTML and AMP; those given here win, unless it says otherwise
    template: TemplateUse | None = None
    stream: str = ""  # "": the default one
    campaign: str = ""
    tags: tuple[str, ...] = ()  # "name:value", or a word alone
    metadata: Mapping[str, Any] = {}  # comes back in its events
    send_at: UnixMs | None = None  # None: now
    expires_at: UnixMs | None = None
    if_missed: IfMissed = "send"  # when its start was missed, since the server was down
    sandbox: bool = False  # checked and answered, and never delivered
    track_opens: bool | None = None  # None: as stream and tenant have it
    track_clicks: bool | None = None
    callback_url: str = ""  # a webhook of this message alone
    topic: str = ""  # of the tenant's; who has left it gets nothing
    # Of the pages where one leaves, a language tag; "": the locale that is asked of the template, else the header's
    # Content-Language
    language: str = ""
    unsubscribe_url: str = ""  # for List-Unsubscribe: it takes the POST of one click (RFC 8058)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, once the key was found right."""

    tenant: str
    key_id: str
    domains: tuple[str, ...]  # verified ones of its tenant
    # Patterns, as ``access.senders`` has them; empty: exactly ``domains``
    senders: tuple[str, ...] = ()
    address: str  # of the client
    listener: str  # its address as configured
    dialect: str = "native"  # native | resend | sendgrid | postmark | mailgun | ses
    request_id: str = ""
    trace_parent: str = ""  # of what trace the request says that it is a part; "": of none
    requested_at: int = 0  # Unix milliseconds; 0: it does not matter
    scopes: tuple[str, ...] = ()  # what the key may do
    certificate: str = ""  # what was shown in place of the key: dns:app.example.com

    @property
    def actor(self) -> str:
        """Who it is, in the audit. A session's stands for a key, and has the name of its account."""
        name = self.key_id if " " in self.key_id else f"key {self.key_id}"
        return f"{name} by certificate {self.certificate}" if self.certificate else name

    @property
    def patterns(self) -> tuple[str, ...]:
        """As whom it may send."""
        return self.senders or tuple([f"@{each}" for each in self.domains])


class SentMail(msgspec.Struct, frozen=True, kw_only=True):
    """One of several mails that an order came to."""

    address: str  # of its only recipient in To
    email_id: str
    message_id: str


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """Durable, with its event."""

    email_id: str  # a UUID: the one id of it in all dialects
    message_id: str  # with its angle brackets
    status: Literal["pending", "scheduled", "sandbox"]
    accepted_at: UnixMs
    suppressed: tuple[str, ...] = ()  # addresses that it is not sent to; some are left
    # Where each recipient got a mail of their own: all of these; ``email_id`` is that of the first
    mails: tuple[SentMail, ...] = ()
    findings: tuple[Finding, ...] = ()  # where the tenant has its mail looked at; of the first one


class FaultKind(enum.Enum):
    """Why something was not done. Dialects have a status and a word of their own for each."""

    MALFORMED = "MALFORMED"  # the request cannot be read: JSON, encoding; field ``body``, or a header's name
    MISSING = "MISSING"  # a required field is not there
    INVALID = "INVALID"  # a field has a value that cannot be
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    UNSUPPORTED = "UNSUPPORTED"  # what a dialect knows and we lack
    NO_KEY = "NO_KEY"
    WRONG_KEY = "WRONG_KEY"
    NO_SCOPE = "NO_SCOPE"  # the key may not do this
    DOMAIN = "DOMAIN"  # may not send as this: field ``from``
    SUPPRESSED = "SUPPRESSED"  # all of its recipients
    NOT_FOUND = "NOT_FOUND"
    METHOD = "METHOD"
    CONFLICT = "CONFLICT"  # it is not in a state in which this can be done
    TOO_LARGE = "TOO_LARGE"
    MEDIA_TYPE = "MEDIA_TYPE"
    KEY_REUSED = "KEY_REUSED"  # the idempotency key came with another body before
    UNDER_WAY = "UNDER_WAY"  # the first request with this idempotency key
    RATE = "RATE"
    QUOTA = "QUOTA"
    BUSY = "BUSY"  # nothing was stored; try again
    DISK_FULL = "DISK_FULL"  # likewise
    INTERNAL = "INTERNAL"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing was done, and why. ``field`` is native: ``to[1]``, ``headers.X-A``, ``attachments[0].content``."""

    kind: FaultKind
    message: str  # for people: what is wrong, and what to do
    field: str = ""
    constraint: str = ""  # for programs: "required", "max_length"; "" if there is no word for it
    retry_after_s: int | None = None
    addresses: tuple[str, ...] = ()  # whom it is about (SUPPRESSED, and INVALID of an address)
    line: int | None = None  # of the field, where that is a text of lines; from 1, as the next
    column: int | None = None


class FaultError(Exception):
    """A fault, on its way from where it was found to whoever writes the answer."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault

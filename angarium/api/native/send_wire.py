"""What programs send us to have mail sent, and what they are answered, in our own dialect. Plain values.

The comments here are the fields' documentation, which the API's reference is made of.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from angarium.api.native.finding_wire import FindingShown

MAX_MESSAGES: Final = 1000  # of a batch
SEND_ID_CHARACTERS: Final = 256

Time = Annotated[datetime, Meta(tz=True)]
# One address in each string: user@example.com, or Name <user@example.com>
Addresses = str | tuple[str, ...]


class _Asked(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    pass


class _Answered(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    pass


class FileAsked(_Asked, frozen=True, kw_only=True):
    """A file that goes with the message."""

    filename: str = ""
    content_type: str = ""  # omitted: by the file's name
    content: str  # base64
    content_id: str = ""  # what the HTML names as cid:; such a file is shown in it
    disposition: Literal["", "attachment", "inline"] = ""  # omitted: inline with a contentId


class RecipientAsked(_Asked, frozen=True, kw_only=True):
    """One recipient, with what comes back in its own events."""

    address: str
    metadata: Mapping[str, Any] = {}
    # These win over templateData of the same name, and come back in its events
    variables: Mapping[str, Any] = {}
    tracking: bool = True  # false: nothing that this one does with the message is tracked


class TrackingAsked(_Asked, frozen=True, kw_only=True):
    """What of a message is tracked (docs/tracking.md). Omitted: as its stream has it."""

    opens: bool | None = None
    clicks: bool | None = None


class _ShippingAsked(_Asked, frozen=True, kw_only=True):
    """What is said of any message besides its content."""

    stream: str = ""  # omitted: "default"
    campaign: str = ""  # omitted: the tag of this name
    topic: str = ""  # one of GET /v1/topics, by name or id: who has left it gets nothing
    # of the pages where one leaves, a tag such as pt-BR; omitted: `locale`, else the header's Content-Language
    language: str = ""
    tags: Mapping[str, str] | tuple[str, ...] = ()  # {"type": "receipt"}, or words
    metadata: Mapping[str, Any] = {}  # comes back in its events; at most 64 KB
    send_at: Time | None = None  # omitted, or over: now
    expires_at: Time | None = None  # given up if it is not delivered by then
    # when its start was missed since the server was down
    if_missed: Literal["send", "skip", "hold"] = "send"
    callback_url: str = ""  # a webhook of this message alone
    sandbox: bool = False  # checked and answered, and never delivered
    # The same request with the same id, within a day, is answered as before, and sent once
    send_id: Annotated[str, Meta(max_length=SEND_ID_CHARACTERS)] = ""


class SendAsked(_ShippingAsked, frozen=True, kw_only=True):
    """POST /v1/send: one message."""

    from_: str = msgspec.field(name="from", default="")  # of a domain of yours that is verified
    to: Addresses = ()
    cc: Addresses = ()
    bcc: Addresses = ()
    # In To, too, with data of their own. With a template, and variables of one of them at least, each in To gets a mail
    # of their own
    recipients: tuple[RecipientAsked, ...] = ()
    reply_to: Addresses = ()
    subject: str = ""  # at most 998 characters
    preheader: str = ""  # what lists of mail show behind the subject
    body_text: str = ""
    body_html: str = ""
    body_amp: str = ""
    # By id or alias: it makes subject, preheader, text, HTML and AMP, as far as they are not given here
    template_id: str = ""
    template_version: Annotated[int, Meta(ge=1)] | None = None  # omitted: the published one
    template_data: Mapping[str, Any] = {}  # its variables
    locale: str = ""  # a language tag, such as pt-BR; omitted: the template's own
    attachments: tuple[FileAsked, ...] = ()
    headers: Mapping[str, str] = {}
    tracking: TrackingAsked = TrackingAsked()
    unsubscribe_url: str = ""  # for List-Unsubscribe


class RawAsked(_ShippingAsked, frozen=True, kw_only=True):
    """POST /v1/send-raw: a message that is written already, and to whom it goes."""

    from_: str = msgspec.field(name="from", default="")  # of the envelope; omitted: its author
    to: Addresses = ()  # all that get it, whatever the header says
    raw: str  # base64 of the message
    tracking: TrackingAsked = TrackingAsked()


class BatchAsked(_Asked, frozen=True, kw_only=True):
    """As BatchDescribed says, before each message is read by itself."""

    messages: tuple[msgspec.Raw, ...]
    # strict: one that is wrong refuses all; permissive: the others are sent
    validation: Literal["strict", "permissive"] = "strict"
    send_id: Annotated[str, Meta(max_length=SEND_ID_CHARACTERS)] = ""  # of the whole batch


class BatchDescribed(_Asked, frozen=True, kw_only=True):
    """POST /v1/batch_send: up to 1,000 messages in one commit."""

    messages: Annotated[tuple[SendAsked, ...], Meta(min_length=1, max_length=MAX_MESSAGES)]
    # strict: one that is wrong refuses all; permissive: the others are sent
    validation: Literal["strict", "permissive"] = "strict"
    send_id: Annotated[str, Meta(max_length=SEND_ID_CHARACTERS)] = ""  # of the whole batch


class MailAnswer(_Answered, frozen=True, kw_only=True):
    """One of several mails that a request came to."""

    to: str
    email_id: str
    message_id: str


class SendAnswer(_Answered, frozen=True, kw_only=True):
    """The message is on disk."""

    success: bool
    email_id: str
    message_id: str  # of its header, with the angle brackets
    status: str  # pending | scheduled | sandbox
    accepted_at: str
    suppressed: tuple[str, ...] = ()  # addresses that get nothing: they are suppressed
    # Where each recipient got a mail of their own, all of them; emailId and messageId are the first one's
    emails: tuple[MailAnswer, ...] = ()
    # What is wrong with it (of several mails, with the first), where the tenant has its mail looked at
    findings: tuple[FindingShown, ...] = ()


class BatchResult(_Answered, frozen=True, kw_only=True):
    success: bool
    email_id: str
    message_id: str
    suppressed: tuple[str, ...] = ()
    emails: tuple[MailAnswer, ...] = ()
    findings: tuple[FindingShown, ...] = ()


class BatchAnswer(_Answered, frozen=True, kw_only=True):
    success: bool
    # In order: a BatchResult, or {"success": false, "error", "message", "details"}
    results: tuple[Any, ...]

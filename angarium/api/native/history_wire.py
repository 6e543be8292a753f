"""What programs are told of messages, and of what happened to them, in our own dialect. Plain values.

The comments here are the fields' documentation, which the API's reference is made of.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from angarium.api.native.wire import PageAsked, Time, TimeGiven, Wire
from angarium.history.details import Details

# Ours: an email may have metadata of 64 KB, and an answer has this many of them
MAX_EMAILS: Final = 200
# Ours: an email may have a thousand recipients, and all may be readers
MAX_READ: Final = 500
MAX_WAIT_S: Final = 30

StatusWord = Literal[
    "created",
    "scheduled",
    "ready_to_send",
    "deferred",
    "sending",
    "sent",
    "delivered",
    "opened",
    "clicked",
    "cancelled",
    "suppressed",
    "expired",
    "bounced",
    "complained",
]
_Text = Annotated[str, Meta(max_length=1000)]


class EmailsAsked(PageAsked, frozen=True, kw_only=True):
    """Which emails: those that meet all conditions."""

    recipient: _Text = ""  # an address, without regard to case
    status: StatusWord | None = None
    tag: _Text = ""  # as it is shown: name:value, or a word
    stream: _Text = ""
    campaign: _Text = ""
    since: TimeGiven | None = None  # accepted then or later
    until: TimeGiven | None = None  # accepted before
    limit: Annotated[int, Meta(ge=1, le=MAX_EMAILS)] = 50  # how many at most


class ReadersAsked(PageAsked, frozen=True, kw_only=True):
    """Readers of which emails: of those that meet all conditions."""

    recipient: _Text = ""  # an address, without regard to case
    tag: _Text = ""  # as it is shown: name:value, or a word
    stream: _Text = ""
    campaign: _Text = ""
    since: TimeGiven | None = None  # accepted then or later
    until: TimeGiven | None = None  # accepted before
    limit: Annotated[int, Meta(ge=1, le=MAX_READ)] = 200  # emails whose readers a page has


class EventsAsked(PageAsked, frozen=True, kw_only=True):
    """Which events: those behind a cursor."""

    # seconds that the answer may be held back while there is none
    wait: Annotated[float, Meta(ge=0, le=MAX_WAIT_S)] = 0


class RecipientShown(Wire, frozen=True, kw_only=True):
    address: str
    status: StatusWord
    last_updated: Time | None  # null in a list of emails, where the next three say nothing either
    attempts: int
    smtp_response: str  # of the last attempt, or what came back later
    reporting_mta: str = msgspec.field(name="reportingMTA")  # who said so
    metadata: Mapping[str, Any]  # of this recipient alone


class EventShown(Wire, frozen=True, kw_only=True):
    """One thing that happened to an email."""

    id: str  # no two are equal
    # accepted, sent, delivered, deferred, bounced, complained, opened, clicked, unsubscribed, suppressed, expired,
    # cancelled; held, released, retried, rerouted, rescheduled, in_doubt, ...: there may be more
    type: str
    timestamp: Time
    recipient: str | None  # null: it is about all of them
    details: Details


class StatusAnswer(Wire, frozen=True, kw_only=True):
    """How far an email is."""

    email_id: str
    recipient: str  # the first one
    subject: str
    # of its recipients' statuses that are not final the least advanced; where all are final, the furthest
    status: StatusWord
    message_id: str  # its Message-ID
    created_at: Time
    send_at: Time | None  # its first attempt is put off until then; null: it is not
    sent_at: Time | None  # when a host took it, for the first of its recipients
    last_updated: Time
    events: Sequence[EventShown]  # in order; of very many the newest thousand
    metadata: Mapping[str, Any]
    recipients: Sequence[RecipientShown]


class TemplateUsed(Wire, frozen=True, kw_only=True):
    """What an email was made of."""

    id: str
    alias: str  # as it was then
    version: int


class EmailShown(Wire, frozen=True, kw_only=True):
    """An email, as its sender gave it."""

    email_id: str
    message_id: str  # its Message-ID
    status: StatusWord  # as GET /v1/status says it
    author: str = msgspec.field(name="from")
    to: Sequence[str]
    cc: Sequence[str]
    bcc: Sequence[str]
    reply_to: Sequence[str]
    subject: str
    stream: str
    campaign: str
    tags: Sequence[str]  # name:value, or a word
    metadata: Mapping[str, Any]
    size_octets: int
    sandbox: bool  # it is never delivered
    template: TemplateUsed | None  # null: it was written without one
    created_at: Time
    send_at: Time | None  # its first attempt is put off until then; null: it is not
    sent_at: Time | None  # when a host took it, for the first of its recipients
    last_updated: Time
    recipients: Sequence[RecipientShown]


class EmailAnswer(EmailShown, frozen=True, kw_only=True):
    """An email, as its sender gave it, and what happened to it."""

    events: Sequence[EventShown]  # in order; of very many the newest thousand


class EmailList(Wire, frozen=True, kw_only=True):
    # the newest first; of several conditions perhaps fewer than asked for
    emails: Sequence[EmailShown]
    cursor: str | None  # of the next page; null: there is none


class EmailEvents(Wire, frozen=True, kw_only=True):
    email_id: str
    events: Sequence[EventShown]  # in order
    cursor: str | None  # of the next page; null: there is none


class AttemptShown(Wire, frozen=True, kw_only=True):
    """One attempt to hand an email over to a recipient's host."""

    timestamp: Time
    recipient: str
    attempt: int  # its number; 1 is the first
    outcome: str  # delivered, sent, deferred, bounced, expired
    smtp_response: str  # what the host said, or our own reason
    code: int  # of the reply; 0: there was none
    enhanced_status: str
    stage: str  # where it was decided: connect, mail, rcpt, final_dot, ...
    host: str
    address: str
    source: str  # by which address of ours
    provider: str
    tls: str  # as TLSv1.3; empty: in the clear
    tls_cipher: str
    tls_verified: bool
    dkim: Sequence[str]  # names of the keys that signed
    next_attempt: Time | None


class AttemptList(Wire, frozen=True, kw_only=True):
    email_id: str
    attempts: Sequence[AttemptShown]  # in order; perhaps fewer than asked for
    cursor: str | None  # of the next page; null: there is none


class TenantEvent(EventShown, frozen=True, kw_only=True):
    """One thing that happened to one of the tenant's emails, or to the tenant."""

    # null: it is about none, as domain.verified, domain.failed, domain.recovered, tracking_host.verified,
    # tracking_host.failed, sender_paused, sender_resumed are
    email_id: str | None
    recipients: Sequence[str]  # whom it is about
    metadata: Mapping[str, Any]  # of the email, and of the recipient if it is about one


class EventList(Wire, frozen=True, kw_only=True):
    events: Sequence[TenantEvent]  # in order
    cursor: str  # ask with it for what comes behind these; never null
    more: bool  # there is more already


class ReaderShown(Wire, frozen=True, kw_only=True):
    """A recipient who opened an email or followed a link, as far as can be told as a person."""

    recipient: str
    email_id: str
    campaign: str
    opened: int  # times
    first_opened_at: Time | None
    clicked: int  # times
    first_clicked_at: Time | None
    # that were followed, each once, in that order; of very many the first twenty
    links: Sequence[str]


class ReaderList(Wire, frozen=True, kw_only=True):
    """Readers of the newest emails first. A page may have none, and still a cursor: then there are more emails."""

    readers: Sequence[ReaderShown]
    cursor: str | None  # of the next page; null: this was the last one

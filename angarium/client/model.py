"""What the client sends and what it is answered. Plain values; members that a newer server adds are passed over."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec


class _Asked(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    pass


class _Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class File(_Asked, kw_only=True):
    """A file that goes with a message."""

    content: bytes  # base64 on the way
    filename: str = ""
    content_type: str = ""  # omitted: by the file's name
    content_id: str = ""  # what the HTML names as cid:; such a file is shown in it


class Recipient(_Asked, kw_only=True):
    """One recipient, with what comes back in its own events."""

    address: str
    metadata: Mapping[str, Any] = {}
    variables: Mapping[str, Any] = {}
    tracking: bool = True


class Tracking(_Asked, kw_only=True):
    """What of a message is tracked. None: as its stream has it."""

    opens: bool | None = None
    clicks: bool | None = None


class Email(_Asked, kw_only=True):
    """One message."""

    sender: str = msgspec.field(name="from")  # "Shop <shop@example.com>"
    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    recipients: Sequence[Recipient] = ()  # in To, too, with data of their own
    reply_to: Sequence[str] = ()
    subject: str = ""
    preheader: str = ""
    text: str = msgspec.field(name="bodyText", default="")
    html: str = msgspec.field(name="bodyHtml", default="")
    amp: str = msgspec.field(name="bodyAmp", default="")
    # By id or alias: it makes the parts above, as far as they are not given
    template_id: str = ""
    template_version: int | None = None  # omitted: the published one
    template_data: Mapping[str, Any] = {}
    locale: str = ""
    attachments: Sequence[File] = ()
    headers: Mapping[str, str] = {}
    tracking: Tracking | None = None
    unsubscribe_url: str = ""
    stream: str = ""
    topic: str = ""  # who has left it gets nothing
    language: str = ""  # of the pages where one leaves
    campaign: str = ""
    tags: Mapping[str, str] | Sequence[str] = ()
    metadata: Mapping[str, Any] = {}
    send_at: datetime | None = None
    expires_at: datetime | None = None
    if_missed: Literal["send", "skip", "hold"] = "send"
    callback_url: str = ""
    sandbox: bool = False


class Parts(_Asked, kw_only=True):
    """The sources of a template's mail in one language."""

    subject: str = ""
    preheader: str = ""
    html: str | None = None  # MJML, where the version's html_kind says so
    text: str | None = None  # None: made of the HTML
    amp: str | None = None


class TemplateSource(_Asked, kw_only=True):
    """What a version of a template is to be."""

    parts: Parts  # in the default locale
    locales: Mapping[str, Parts] = {}  # in others, by language tag
    default_locale: str = "en"
    html_kind: Literal["html", "mjml"] = "html"
    syntax: Literal["jinja", "mustache"] = "jinja"
    layout: str = ""
    variables: Mapping[str, Any] | None = None  # None: any will do
    sample: Mapping[str, Any] = {}
    missing: Literal["strict", "lenient"] = "strict"
    time_zone: str = "UTC"
    comment: str = ""
    publish: bool = False  # at once


class SentEmail(_Answer, frozen=True, kw_only=True):
    """One of several that a message came to."""

    to: str
    email_id: str
    message_id: str


class Sent(_Answer, frozen=True, kw_only=True):
    """The server has it on disk."""

    email_id: str
    message_id: str
    status: str = "pending"
    accepted_at: datetime | None = None
    suppressed: tuple[str, ...] = ()  # recipients that it is not sent to
    # Where each recipient got a mail of their own; the ids above are the first one's
    emails: tuple[SentEmail, ...] = ()


class RefusedDetails(_Answer, frozen=True, kw_only=True):
    field: str = ""
    constraint: str = ""


class Refused(_Answer, frozen=True, kw_only=True):
    """One message of a batch that was not taken."""

    error: str
    message: str
    details: RefusedDetails = RefusedDetails()


class Happening(_Answer, frozen=True, kw_only=True):
    """One event of a message."""

    type: str
    timestamp: datetime
    id: str = ""
    email_id: str = ""
    recipient: str = ""
    details: Mapping[str, Any] = {}


class RecipientStatus(_Answer, frozen=True, kw_only=True):
    address: str
    status: str
    metadata: Mapping[str, Any] = {}


class Status(_Answer, frozen=True, kw_only=True):
    """What has become of a message."""

    email_id: str
    status: str
    message_id: str = ""
    subject: str = ""
    recipient: str = ""
    created_at: datetime | None = None
    sent_at: datetime | None = None
    last_updated: datetime | None = None
    events: tuple[Happening, ...] = ()
    metadata: Mapping[str, Any] = {}
    recipients: tuple[RecipientStatus, ...] = ()


class EmailPage(_Answer, frozen=True, kw_only=True):
    emails: tuple[Status, ...] = ()
    cursor: str | None = None  # of the next page; None: there is none


class EventPage(_Answer, frozen=True, kw_only=True):
    events: tuple[Happening, ...] = ()
    cursor: str | None = None  # of the next page; None: there is none


class Attempt(_Answer, frozen=True, kw_only=True):
    recipient: str = ""
    timestamp: datetime | None = None
    details: Mapping[str, Any] = {}


class Attempts(_Answer, frozen=True, kw_only=True):
    attempts: tuple[Attempt, ...] = ()


class StatsRates(_Answer, frozen=True, kw_only=True):
    """Parts of the mail, 0 to 1; None: there was no mail."""

    delivery_rate: float | None = None
    deferral_rate: float | None = None
    bounce_rate: float | None = None
    complaint_rate: float | None = None
    open_rate: float | None = None
    click_rate: float | None = None
    unsubscribe_rate: float | None = None


class StatsLatency(_Answer, frozen=True, kw_only=True):
    """From acceptance, or the start if that was put off, until a host took it."""

    count: int = 0  # recipients
    p50_ms: int = 0
    p95_ms: int = 0
    p99_ms: int = 0


class StatsRow(_Answer, frozen=True, kw_only=True):
    """What happened to mail in a time. ``key``: what it is of, of several the first; None: further names together."""

    key: str | None
    keys: tuple[str | None, ...] = ()  # one for each of what it is by
    accepted: int = 0
    sent: int = 0
    delivered: int = 0
    deferred: int = 0
    bounced: int = 0
    bounced_late: int = 0
    complained: int = 0
    opened: int = 0
    opened_human: int = 0
    opened_recipients: int = 0
    clicked: int = 0
    clicked_human: int = 0
    clicked_recipients: int = 0
    unsubscribed: int = 0
    suppressed: int = 0
    expired: int = 0
    cancelled: int = 0
    delivered_told: int = 0
    rates: StatsRates | None = None  # None: not asked for
    latency: StatsLatency | None = None  # None: not asked for, or nothing was delivered


class StatsPage(_Answer, frozen=True, kw_only=True):
    rows: tuple[StatsRow, ...] = ()
    cursor: str | None = None  # of the next page; None: there is none


class Suppression(_Answer, frozen=True, kw_only=True):
    """An address that nothing is sent to."""

    email: str
    scope: str = "tenant"
    reason: str = "manual"
    added_at: datetime | None = None
    expires_at: datetime | None = None


class SuppressionPage(_Answer, frozen=True, kw_only=True):
    suppressions: tuple[Suppression, ...] = ()
    cursor: str | None = None  # of the next page; None: there is none


class KeyInfo(_Answer, frozen=True, kw_only=True):
    """Whose key this is."""

    tenant: str
    scopes: tuple[str, ...] = ()
    domains: tuple[Any, ...] = ()


class Template(_Answer, frozen=True, kw_only=True):
    """What mail is made of, once a version of it is published."""

    id: str
    alias: str
    name: str = ""
    kind: str = "mail"
    published_version: int | None = None
    newest_version: int | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None


class TemplatePage(_Answer, frozen=True, kw_only=True):
    templates: tuple[Template, ...] = ()
    cursor: str | None = None  # of the next page; None: there is none


class TemplateVersion(_Answer, frozen=True, kw_only=True):
    """What is written in it is there where one version was asked for."""

    version: int
    state: str  # draft, published, retired
    comment: str = ""
    author: str = ""
    tag: str = ""
    uses: tuple[str, ...] = ()  # layouts and partials
    created_at: datetime | None = None
    changed_at: datetime | None = None
    published_at: datetime | None = None
    parts: Mapping[str, Any] = {}
    locales: Mapping[str, Any] = {}
    default_locale: str = ""
    sample: Mapping[str, Any] = {}
    warnings: tuple[Mapping[str, Any], ...] = ()  # of its examination, where it was saved
    renewed: tuple[str, ...] = ()  # what uses it and is made with it now, where it was published


class TemplateVersionPage(_Answer, frozen=True, kw_only=True):
    versions: tuple[TemplateVersion, ...] = ()
    cursor: str | None = None  # of the next page; None: there is none


class TemplatePreview(_Answer, frozen=True, kw_only=True):
    """The mail as it would be sent."""

    version: int
    subject: str = ""
    preheader: str = ""
    html: str | None = None
    text: str | None = None
    amp: str | None = None
    locale: str = ""
    size: int = 0  # octets of the whole
    warnings: tuple[Mapping[str, Any], ...] = ()


class Schedule(_Asked, kw_only=True):
    send_at: datetime | None = None  # omitted, or over: now


class Campaign(_Asked, kw_only=True):
    """A mail to each row of a file that was uploaded."""

    upload_id: str = ""
    csv_file_url: str = ""  # instead: the URL that an upload was put to, or where to fetch it
    template_id: str = ""  # by id or alias
    template_version: int | None = None  # omitted: the published one
    template_data: Mapping[str, Any] = {}  # of all mails; a row's own columns win
    locale: str = ""
    sender: str = msgspec.field(name="from", default="")
    reply_to: Sequence[str] = ()
    subject: str = ""  # instead of the template's
    text: str = msgspec.field(name="bodyText", default="")  # without a template
    html: str = msgspec.field(name="bodyHtml", default="")  # likewise
    name: str = ""
    stream: str = ""
    topic: str = ""  # who has left it gets nothing
    language: str = ""  # of the pages where one leaves
    tags: Mapping[str, str] | Sequence[str] = ()
    metadata: Mapping[str, Any] = {}
    schedule: Schedule | None = None
    expires_at: datetime | None = None
    callback_url: str = ""
    duplicates: Literal["refuse", "send"] = "refuse"
    dry_run: bool = False


class CampaignProgress(_Answer, frozen=True, kw_only=True):
    rows: int = 0
    accepted: int = 0
    refused: int = 0
    batches: int = 0
    is_read: bool = False
    rows_per_second: float | None = None


class CampaignState(_Answer, frozen=True, kw_only=True):
    """How far a campaign is."""

    transaction_id: str
    status: str
    paused: bool = False
    name: str = ""
    created_at: datetime | None = None
    finished_at: datetime | None = None
    send_at: datetime | None = None
    waiting_for: str = ""  # why no row is accepted just now
    reason: str = ""  # why it failed
    resend_of: str | None = None
    callback_secret: str | None = None  # shown when it is made
    progress: CampaignProgress = CampaignProgress()
    summary: Mapping[str, int] = {}


class CampaignPage(_Answer, frozen=True, kw_only=True):
    campaigns: tuple[CampaignState, ...] = ()
    cursor: str | None = None


class CampaignRow(_Answer, frozen=True, kw_only=True):
    row: int
    line: int
    address: str
    status: str
    reason: str = ""
    email_id: str | None = None


class CampaignRowPage(_Answer, frozen=True, kw_only=True):
    rows: tuple[CampaignRow, ...] = ()
    cursor: str | None = None

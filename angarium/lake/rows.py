"""Makes the row of an event. Pure.

Who of the operators did something is not in it: rows are read by tenants. Nor is a reverse path.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from angarium.feedback.attempts import class_text
from angarium.lake.model import HOUR_MS
from angarium.lake.naming import LAST_HOUR
from angarium.queue.about import About, decode_about
from angarium.queue.event_log import Position
from angarium.queue.events import (
    AttemptFailed,
    Bounced,
    Clicked,
    Complained,
    Event,
    Expired,
    Fetched,
    HoldRuleAdded,
    MessageAccepted,
    Opened,
    RecipientSuppressed,
    ReportBounced,
    SesTold,
    SuppressionAdded,
    SuppressionRemoved,
)
from angarium.queue.events.catalogue import CATALOGUE
from angarium.queue.events.report_shape import FeedbackEvent
from angarium.queue.events.shape import AttemptEvent, RecipientEvent
from angarium.queue.message_id import message_id_ms, message_id_text
from angarium.queue.model import Attempt, MessageId

# Ours: metadata of a message may have 64 KB, and is to be looked up elsewhere then
MAX_METADATA: Final = 4096
# Ours: DuckDB takes lines of 16 MB; replies have 1,000 characters, links 2,000
_MAX_TEXT: Final = 8192
_LAST_MS: Final = (LAST_HOUR + 1) * HOUR_MS - 1
_encode: Final = msgspec.json.Encoder().encode


class Labels(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a message's first event says of it, for the rows of later ones."""

    tenant: str
    stream: str
    campaign: str
    tags: tuple[str, ...]
    template: str
    template_version: int
    sender_domain: str


UNKNOWN: Final = Labels(
    tenant="", stream="", campaign="", tags=(), template="", template_version=0, sender_domain=""
)


class Row(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False, rename={"class_": "class"}):
    """As in ``columns``; what does not apply is None, and left out of what is encoded."""

    sequence: int
    era: int
    ts: int
    event: str
    recipients: int = -1  # 0 is written, too
    message_id: str | None = None
    recipient_index: int | None = None
    recipient: str | None = None
    recipient_domain: str | None = None
    tenant: str | None = None
    stream: str | None = None
    campaign: str | None = None
    tags: tuple[str, ...] | None = None
    template: str | None = None
    template_version: int | None = None
    sender_domain: str | None = None
    provider: str | None = None
    source: str | None = None
    host: str | None = None
    ip: str | None = None
    stage: str | None = None
    tls: str | None = None
    code: int | None = None
    enhanced: str | None = None
    class_: str | None = None
    reply: str | None = None
    attempt: int | None = None
    queue_ms: int | None = None
    delay_ms: int | None = None
    verdict: str | None = None
    reasons: tuple[str, ...] | None = None
    url: str | None = None
    link: int | None = None
    client: str | None = None
    size_octets: int | None = None
    addresses: tuple[str, ...] | None = None
    fields: str | None = None


def labels_of(accepted: MessageAccepted, about: About | None = None) -> Labels:
    """``about``: of it, where it was read already."""
    about = about or decode_about(accepted.about)
    return Labels(
        tenant=accepted.tenant,
        stream=accepted.stream,
        campaign=accepted.campaign,
        tags=accepted.tags,
        template=about.template_id,
        template_version=about.template_version,
        sender_domain=sender_domain_of(about, accepted.reverse_path),
    )


def sender_domain_of(about: About, reverse_path: str) -> str:
    author = about.author.rpartition("<")[2].removesuffix(">")
    return domain_of(author) or domain_of(reverse_path)


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower() if "@" in address else ""


def needs_labels(event: Event) -> bool:
    """Whether its row has what only the message's first event says."""
    return isinstance(event, RecipientEvent | FeedbackEvent)


def row_of(position: Position, era: int, labels: Labels) -> Row:
    """``labels``: of its message, or UNKNOWN."""
    event = position.event
    row = Row(
        sequence=position.sequence,
        era=era,
        ts=min(max(event.at, 0), _LAST_MS),
        event=event.name,
        recipients=0,
    )
    message_id: MessageId = event.message_id
    if len(message_id) == 16:
        row.message_id = message_id_text(message_id)
        row.delay_ms = max(0, event.at - message_id_ms(message_id))
    if isinstance(event, MessageAccepted):
        _put_accepted(row, event)
        return row
    _put_common(row, event, labels)
    if isinstance(event, AttemptEvent):
        _put_attempt(row, event, event.attempt)
    special = _SPECIAL.get(type(event))
    if special is not None:
        special(row, event)
    row.fields = _fields(event)
    return row


def _put_accepted(row: Row, event: MessageAccepted) -> None:
    about = decode_about(event.about)
    labels = labels_of(event, about)
    _put_labels(row, labels)
    row.recipients = len(event.recipients)
    if len(event.recipients) == 1:
        row.recipient_index = 0
        _put_recipient(row, event.recipients[0])
    else:
        row.addresses = event.recipients
    row.size_octets = event.size_octets
    row.client = event.origin.client or None
    fields: dict[str, Any] = {
        "message_id_header": event.message_id_header,
        "origin": event.origin.text,
        "user": event.origin.user,
        "priority": event.priority,
        "repairs": event.repairs,
        "topic": event.topic,
        "not_before": event.not_before,
        "expires": event.expires,
        "subject": about.subject,
        "dialect": about.dialect,
        "request_id": about.request_id,
        "key_id": about.key_id,
        "sandbox": about.sandbox,
    }
    if about.metadata and len(_encode(about.metadata)) <= MAX_METADATA:
        fields["metadata"] = about.metadata
    row.fields = _as_text(fields)


def _put_labels(row: Row, labels: Labels) -> None:
    row.tenant = labels.tenant or None
    row.stream = labels.stream or None
    row.campaign = labels.campaign or None
    row.tags = labels.tags or None
    row.template = labels.template or None
    row.template_version = labels.template_version or None
    row.sender_domain = labels.sender_domain or None


def _put_recipient(row: Row, address: str) -> None:
    if address:
        row.recipient = address
        row.recipient_domain = domain_of(address) or None


def _put_common(row: Row, event: Event, labels: Labels) -> None:
    """By name: an event that comes to be needs nothing here where it calls things as others do."""
    _put_labels(row, labels)
    if type(event) in _OWNED:
        row.tenant = getattr(event, "tenant", "") or row.tenant
        row.stream = getattr(event, "stream", "") or row.stream
        row.campaign = getattr(event, "campaign", "") or row.campaign
    if not row.sender_domain:
        told = getattr(event, "sender_domain", "")
        row.sender_domain = told or domain_of(getattr(event, "reverse_path", "")) or None
    index = getattr(event, "index", -1)
    if index >= 0:
        row.recipient_index = index
    recipient = getattr(event, "recipient", "")
    if recipient:
        _put_recipient(row, recipient)
    row.recipients = int(isinstance(event, RecipientEvent | FeedbackEvent))
    row.reply = getattr(event, "reason", "")[:_MAX_TEXT] or None
    row.host = getattr(event, "host", "") or None


def _put_attempt(row: Row, event: AttemptEvent, attempt: Attempt) -> None:
    row.attempt = event.attempts
    row.provider = attempt.provider or None
    row.source = attempt.source or None
    row.host = attempt.host or None
    row.ip = attempt.address or None
    row.stage = attempt.stage or None
    row.tls = attempt.tls or None
    row.code = attempt.code or None
    row.enhanced = attempt.enhanced or None
    row.reply = attempt.text or row.reply
    if attempt.at:
        row.queue_ms = max(0, attempt.at - message_id_ms(event.message_id))


def _put_failure(row: Row, event: AttemptFailed | Bounced | Expired) -> None:
    row.class_ = class_text(event.attempt) or None


def _put_bounce(row: Row, event: ReportBounced) -> None:
    row.enhanced = event.status or None
    row.class_ = event.bounce_class or None
    row.reply = event.reply[:_MAX_TEXT] or None


def _put_complaint(row: Row, event: Complained) -> None:
    row.class_ = event.feedback_type or None
    row.ip, row.host = row.host, None


def _put_told(row: Row, event: SesTold) -> None:
    row.reply = event.reply[:_MAX_TEXT] or None


def _put_seen(row: Row, event: Opened | Clicked) -> None:
    row.client = event.client[:_MAX_TEXT] or None
    row.verdict = event.verdict or None
    row.reasons = event.reasons or None
    if isinstance(event, Clicked):
        row.url = event.link[:_MAX_TEXT] or None
        row.link = event.link_number if event.link_number >= 0 else None


def _put_fetch(row: Row, event: Fetched) -> None:
    row.client = f"{event.network} {event.agent}".strip()[:_MAX_TEXT] or None
    row.url = event.link[:_MAX_TEXT] or None
    row.link = event.link_number if event.link_number >= 0 else None


def _put_suppressed(row: Row, event: RecipientSuppressed) -> None:
    row.class_ = event.cause or None


def _put_suppression(row: Row, event: SuppressionAdded | SuppressionRemoved) -> None:
    _put_recipient(row, event.email)
    row.class_ = event.cause or None
    if event.scope.startswith("tenant:"):
        row.tenant = event.scope.removeprefix("tenant:").partition("/")[0] or None
    if isinstance(event, SuppressionAdded):
        row.reply = (event.evidence or event.reason)[:_MAX_TEXT] or None


_SPECIAL: Final[Mapping[type, Callable[[Row, Any], None]]] = {
    AttemptFailed: _put_failure,
    Bounced: _put_failure,
    Expired: _put_failure,
    ReportBounced: _put_bounce,
    Complained: _put_complaint,
    SesTold: _put_told,
    Opened: _put_seen,
    Clicked: _put_seen,
    Fetched: _put_fetch,
    RecipientSuppressed: _put_suppressed,
    SuppressionAdded: _put_suppression,
    SuppressionRemoved: _put_suppression,
}
# Whose tenant is whose the event is: of a hold rule it is a condition
_OWNED: Final = frozenset(
    kind for kind in CATALOGUE if "tenant" in kind.__struct_fields__ and kind is not HoldRuleAdded
)
# In columns, or nothing for who reads rows
_NOT_FIELDS: Final = frozenset(
    {
        *("at", "message_id", "tenant", "stream", "campaign", "index", "recipient", "email"),
        *("attempts", "attempt", "reverse_path", "actor", "sender_domain", "reply", "host"),
        *("bounce_class", "feedback_type", "status", "client", "verdict", "reasons", "link"),
        *(
            "link_number",
            "network",
            "agent",
            "evidence",
            "reason",
            "recipients",
            "sender",
            "callback_url",
        ),
    }
)
# As others call what has a column
_STILL_FIELDS: Final = {
    "campaign_started": ("status",),
    "campaign_changed": ("status",),
    "campaign_completed": ("status",),
}
_REST: Final[Mapping[type, tuple[str, ...]]] = {
    kind: (
        *(each for each in kind.__struct_fields__ if each not in _NOT_FIELDS),
        *_STILL_FIELDS.get(kind.name, ()),
    )
    for kind in CATALOGUE
}
_ATTEMPT_REST: Final = ("tls_skipped", "tls_cipher", "tls_verified", "dkim", "unsigned")


def _fields(event: Event) -> str | None:
    found = {name: getattr(event, name) for name in _REST.get(type(event), ())}
    if isinstance(event, AttemptEvent):
        for name in _ATTEMPT_REST:
            found[name] = getattr(event.attempt, name)
    return _as_text(found)


def _as_text(fields: Mapping[str, Any]) -> str | None:
    said = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in fields.items()
        if value not in ("", 0, (), None, b"", False)
    }
    return _encode(said).decode() if said else None

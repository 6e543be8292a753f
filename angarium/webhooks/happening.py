"""One thing that endpoints may be told, whatever form it is told in. Pure.

Made of an event of the queue's log and of what the message's first one said. What is stored of it is one JSON object,
of which a newer version may have more members.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from angarium.history.details import Details, details_of, type_of
from angarium.history.introducing import metadata_of
from angarium.history.story import Introduction
from angarium.queue.about import About
from angarium.queue.event_log import Position
from angarium.queue.events import (
    AddressDelisted,
    AddressListed,
    CampaignChanged,
    CampaignCompleted,
    CampaignStarted,
    Event,
    MessageAccepted,
    Relayed,
    SenderPaused,
    SenderResumed,
    SesTold,
    SmartHostBack,
    SmartHostRested,
    TrackingHostFailed,
    TrackingHostVerified,
    WebhookDisabled,
)
from angarium.queue.events.shape import MessageEvent
from angarium.queue.message_id import message_id_ms, message_id_text
from angarium.queue.model import DEFAULT_TENANT, MessageId, UnixMs
from angarium.tenancy.webhook import TYPES

TEST_TYPE: Final = "webhook.test"
_OF_SERVER: Final = (AddressListed, AddressDelisted, SmartHostRested, SmartHostBack)
_OF_TENANT: Final = (SenderPaused, SenderResumed, WebhookDisabled)
_OF_TRACKING_HOST: Final = (TrackingHostVerified, TrackingHostFailed)
_OF_CAMPAIGN: Final = (CampaignStarted, CampaignChanged, CampaignCompleted)
_DOMAIN: Final = "domain_"
CAMPAIGN: Final = "campaign."


class Happening(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str  # a UUIDv7: of one event and recipient, always the same
    type: str  # email.delivered
    at: UnixMs
    tenant: str
    email_id: str = ""  # "": it is about no message
    recipient: str = ""
    stream: str = ""
    campaign: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = {}  # the message's, and the recipient's own before it
    variables: Mapping[str, Any] = {}  # of the recipient
    subject: str = ""
    author: str = ""
    message_id: str = ""  # Message-ID, with angle brackets
    created: UnixMs = UnixMs(0)  # the message was
    details: Details = Details()
    facts: Mapping[str, Any] = {}  # instead of details, where it is about no message
    # A smart host took it. Vendors know no word for that but delivered; then ``is_late`` is a second delivery to them
    is_relayed: bool = False
    is_late: bool = False


def encode_happening(happening: Happening) -> bytes:
    return msgspec.json.encode(happening)


def decode_happening(octets: bytes) -> Happening:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(octets, type=Happening)


def mail_type(event: Event) -> str | None:
    """Return the type of an event of a message; None: nobody is told of it."""
    if not isinstance(event, MessageEvent):
        return None
    found = f"email.{type_of(event)}"
    return found if found in TYPES else None


def mail_happenings(position: Position, introduction: Introduction) -> Iterator[Happening]:
    """Yield what an event of a message comes to: one for each recipient that it is about."""
    event = position.event
    type_ = mail_type(event)
    if type_ is None or not isinstance(event, MessageEvent) or _is_notice(event, introduction):
        return
    details = details_of(event)
    about = introduction.about
    for index, recipient in enumerate(_recipients(event)):
        yield Happening(
            id=_event_id(position, index),
            type=type_,
            at=event.at,
            tenant=event.tenant,
            email_id=message_id_text(event.message_id),
            recipient=recipient,
            stream=introduction.stream or event.stream,
            campaign=introduction.campaign,
            tags=introduction.tags,
            metadata=metadata_of(about, recipient),
            variables=about.variables.get(recipient, {}),
            subject=about.subject,
            author=about.author or introduction.reverse_path,
            message_id=introduction.message_id_header,
            created=introduction.created,
            details=details,
            is_relayed=isinstance(event, Relayed),
            is_late=isinstance(event, SesTold),
        )


def other_happening(position: Position) -> Happening | None:
    """Return what an event that is about no message comes to; None: nobody is told of it."""
    event = position.event
    if isinstance(event, _OF_SERVER):
        return _of_no_message(position, f"alert.{event.name}", DEFAULT_TENANT)
    if isinstance(event, _OF_TENANT):
        return _of_no_message(position, f"alert.{event.name}", event.tenant)
    if isinstance(event, _OF_CAMPAIGN):
        type_ = f"{CAMPAIGN}{event.name.removeprefix('campaign_')}"
        return _of_no_message(position, type_, event.tenant)
    if isinstance(event, _OF_TRACKING_HOST):
        type_ = f"tracking_host.{event.name.removeprefix('tracking_host_')}"
        return _of_no_message(position, type_, event.tenant)
    if event.name.startswith(_DOMAIN) and not isinstance(event, MessageEvent):
        type_ = f"domain.{event.name.removeprefix(_DOMAIN)}"
        tenant = getattr(event, "tenant", "")
        return _of_no_message(position, type_, tenant) if tenant else None
    return None


def trial_happening(webhook_id: str, tenant: str, event_id: str, at: UnixMs) -> Happening:
    facts = {"webhookId": webhook_id}
    # Vendors' forms have no word for a test: there it looks like mail
    recipient = "test@example.com"
    return Happening(
        id=event_id, type=TEST_TYPE, at=at, tenant=tenant, facts=facts, recipient=recipient
    )


def unknown_introduction(event: MessageEvent) -> Introduction:
    """Return what is known of a message whose first event nobody has any more."""
    return Introduction(
        message_id=event.message_id,
        tenant=event.tenant,
        stream=event.stream,
        campaign=getattr(event, "campaign", ""),
        tags=(),
        created=message_id_ms(event.message_id) if event.message_id else UnixMs(0),
        message_id_header="",
        reverse_path=getattr(event, "reverse_path", ""),
        recipients=(),
        about=About(),
    )


def _is_notice(event: MessageEvent, introduction: Introduction) -> bool:
    """Whether the message is one of ours that tells a sender of another: it has the null reverse-path."""
    is_known = bool(introduction.recipients)
    path = introduction.reverse_path if is_known else getattr(event, "reverse_path", None)
    return path == ""


def _recipients(event: MessageEvent) -> tuple[str, ...]:
    return event.recipients if isinstance(event, MessageAccepted) else (_recipient(event),)


def _recipient(event: Event | MessageEvent) -> str:
    return str(getattr(event, "recipient", ""))


def _of_no_message(position: Position, type_: str, tenant: str) -> Happening:
    event = position.event
    # A callback's URL may hold secrets
    left_out = {"at", "message_id", "tenant", "rule", "actor", "callback_url"}
    facts = {
        _json_name(name): getattr(event, name)
        for name in event.__struct_fields__
        if name not in left_out
    }
    plain = {name: value for name, value in facts.items() if value not in (None, "", ())}
    return Happening(
        id=_event_id(position, 0),
        type=type_,
        at=event.at,
        tenant=tenant,
        facts=plain,
    )


def _json_name(name: str) -> str:
    """Return a field's name as JSON has it: sender_domain is senderDomain."""
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)


def _event_id(position: Position, index: int) -> str:
    """A UUIDv7 whose random part is a digest: at every handling of an event it is the same."""
    event = position.event
    seed = b"%d.%d.%s" % (position.sequence, index, event.message_id)
    digest = int.from_bytes(hashlib.sha256(seed).digest()[:10], "big")
    high = ((event.at % (1 << 48)) << 16) | 0x7000 | (digest >> 68)
    low = (digest & ((1 << 62) - 1)) | (0b10 << 62)
    return message_id_text(MessageId(((high << 64) | low).to_bytes(16, "big")))

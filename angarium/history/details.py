"""What an event has to say, in the words of the API: its type, and its details by name. Pure."""

from typing import Final

import msgspec

from angarium.feedback.attempts import class_text
from angarium.feedback.mail.complaints import is_complaint
from angarium.queue.events import (
    AttemptFailed,
    Bounced,
    Clicked,
    Complained,
    Damaged,
    DomainFailed,
    DomainRecovered,
    DomainVerified,
    Event,
    Expired,
    MessageAccepted,
    Opened,
    RecipientSuppressed,
    ReportBounced,
    Rescheduled,
    Resubscribed,
    SenderPaused,
    SenderResumed,
    SesTold,
    Skipped,
    TrackingHostFailed,
    TrackingHostVerified,
    Unsubscribed,
)
from angarium.queue.events.shape import ActEvent, AttemptEvent
from angarium.queue.message_id import message_id_ms
from angarium.queue.model import Attempt
from angarium.queue.reply_pattern import full_reply
from angarium.telemetry.timestamp import rfc3339

_TYPES: Final = {
    "relayed": "sent",
    "report_bounced": "bounced",
    "recipient_suppressed": "suppressed",
    "skipped": "expired",
    "domain_verified": "domain.verified",
    "domain_failed": "domain.failed",
    "domain_recovered": "domain.recovered",
    "tracking_host_verified": "tracking_host.verified",
    "tracking_host_failed": "tracking_host.failed",
}
_SES_TYPES: Final = {
    "delivery": "delivered",
    "reject": "bounced",
    "rendering-failure": "bounced",
    "delay": "deferred",
}


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What does not apply is left out. Who of the operators did something is not for tenants: only why."""

    smtp_response: str = ""  # "250 2.0.0 OK"; our own reason where nobody answered
    enhanced_status: str = ""  # "5.1.1"
    reporting_mta: str = msgspec.field(name="reportingMTA", default="")  # the host that said so
    address: str = ""  # of that host
    processing_time_millis: int | None = None  # since the message was accepted
    attempt: int = 0  # its number; 1 is the first
    stage: str = ""  # where the attempt was decided
    next_attempt: str = ""  # when
    source: str = ""  # the egress source
    provider: str = ""
    tls: str = ""  # "TLSv1.3"
    tls_cipher: str = ""
    tls_verified: bool = False
    dkim: tuple[str, ...] = ()  # names of the keys that signed
    # What a failure means: user_unknown, mailbox_full, ... (docs/deliverability.md)
    bounce_class: str = ""
    feedback_type: str = ""  # of a complaint: abuse, ...
    # Who opened it, or followed a link: a network and a program, as far as they are kept
    client: str = ""
    human: bool | None = None  # whether a person did; left out: nobody has judged
    reasons: tuple[str, ...] = ()  # why not; of a person, through whose hands
    link: str = ""
    link_number: int | None = None  # in the message, from 0
    reason: str = ""  # of an act on it
    cause: str = ""  # of a suppression
    scope: str = ""  # of that; or what was left or is wanted again: tenant:acme/topic:offers
    how: str = ""  # somebody left: mail, one-click, page
    in_doubt: int = 0  # attempts so far that may have been delivered
    size_octets: int = 0  # of an accepted message
    # that the tenant may send as from now on, or whose records are wrong, or right again
    domain: str = ""
    host: str = ""  # of the tenant, that links in new mail lead to from now on, or no longer
    campaign: str = ""  # of the tenant, that was stopped, or goes on; left out: all of its mail


def type_of(event: Event) -> str:
    match event:
        case SesTold():
            return _SES_TYPES.get(event.kind, event.name)
        case Complained() if not is_complaint(event.feedback_type):
            return "feedback"
        case _:
            return _TYPES.get(event.name, event.name)


def details_of(event: Event) -> Details:
    since = max(0, event.at - message_id_ms(event.message_id)) if event.message_id else None
    match event:
        case MessageAccepted():
            return Details(size_octets=event.size_octets)
        case AttemptEvent():
            return _of_attempt(event, since)
        case ReportBounced():
            return Details(
                smtp_response=event.reply,
                enhanced_status=event.status,
                reporting_mta=event.host,
                bounce_class=event.bounce_class,
                processing_time_millis=since,
            )
        case Complained():
            return Details(feedback_type=event.feedback_type, processing_time_millis=since)
        case SesTold():
            return Details(smtp_response=event.reply, processing_time_millis=since)
        case Opened() | Clicked():
            return _of_reader(event, since)
        case Unsubscribed():
            return Details(how=event.how, scope=event.scope, processing_time_millis=since)
        case Resubscribed():
            return Details(scope=event.scope, processing_time_millis=since)
        case Rescheduled():
            return Details(reason=event.reason, next_attempt=rfc3339(event.due))
        case DomainFailed():
            return Details(domain=event.domain, reason=event.text)
        case DomainVerified() | DomainRecovered():
            return Details(domain=event.domain)
        case TrackingHostFailed():
            return Details(host=event.host, reason=event.text)
        case TrackingHostVerified():
            return Details(host=event.host)
        case SenderPaused() | SenderResumed():
            return Details(campaign=event.campaign, reason=event.reason)
        case ActEvent() | Damaged() | Skipped():
            return Details(reason=event.reason, in_doubt=event.in_doubt)
        case _:
            return Details()


def _of_reader(event: Opened | Clicked, since: int | None) -> Details:
    clicked = event if isinstance(event, Clicked) else None
    has_number = clicked is not None and clicked.link_number >= 0
    return Details(
        client=event.client,
        human=event.verdict == "human" if event.verdict else None,
        reasons=event.reasons,
        link="" if clicked is None else clicked.link,
        link_number=clicked.link_number if clicked is not None and has_number else None,
        processing_time_millis=since,
    )


def _of_attempt(event: AttemptEvent, since: int | None) -> Details:
    attempt = event.attempt
    failed = isinstance(event, AttemptFailed | Bounced | Expired)
    spared = event if isinstance(event, RecipientSuppressed) else None
    return Details(
        smtp_response=full_reply(attempt),
        enhanced_status=attempt.enhanced,
        reporting_mta=attempt.host,
        address=attempt.address,
        processing_time_millis=since,
        attempt=event.attempts,
        stage=attempt.stage,
        next_attempt=rfc3339(event.due) if isinstance(event, AttemptFailed) else "",
        source=attempt.source,
        provider=attempt.provider,
        tls=attempt.tls,
        tls_cipher=attempt.tls_cipher,
        tls_verified=attempt.tls_verified,
        dkim=attempt.dkim,
        bounce_class=class_text(attempt) if failed else "",
        reason=event.reason if isinstance(event, Bounced) else "",
        cause="" if spared is None else spared.cause,
        scope="" if spared is None else spared.scope,
        in_doubt=event.in_doubt,
    )


def said_last(event: Event) -> tuple[str, str] | None:
    """Return the reply and who gave it, of an event that has one for its recipient."""
    if isinstance(event, AttemptEvent):
        return full_reply(event.attempt), event.attempt.host
    if isinstance(event, ReportBounced):
        return event.reply, event.host
    if isinstance(event, SesTold):
        return event.reply, ""
    return None


def find_attempt(event: Event) -> Attempt | None:
    """Return the attempt that was made, if the event is about one."""
    if isinstance(event, AttemptEvent) and not isinstance(event, RecipientSuppressed):
        return event.attempt
    return None

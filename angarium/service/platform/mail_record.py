"""One line of the mail log: an event of the queue as a typed record for people and programs. Pure."""

import msgspec

from angarium.feedback.attempts import class_text
from angarium.queue import (
    AddressDelisted,
    AddressListed,
    Attempt,
    AttemptFailed,
    Bounced,
    CampaignChanged,
    CampaignCompleted,
    CampaignStarted,
    Clicked,
    Complained,
    ContentShown,
    DeliveryId,
    DomainFailed,
    DomainRecovered,
    DomainVerified,
    Expired,
    Fetched,
    HoldRuleAdded,
    HoldRuleRemoved,
    MessageAccepted,
    Opened,
    PersonErased,
    Position,
    ReportBounced,
    ReportKept,
    ReportUnmatched,
    Rescheduled,
    Resubscribed,
    RuleEnded,
    RuleInForce,
    SenderPaused,
    SenderResumed,
    SesTold,
    SmartHostBack,
    SmartHostRested,
    SuppressionAdded,
    SuppressionRemoved,
    TrackingHostFailed,
    TrackingHostVerified,
    UnixMs,
    UnknownEvent,
    Unsubscribed,
    WarmupChanged,
    WebhookDisabled,
    delivery_id_text,
    message_id_ms,
    message_id_text,
)
from angarium.telemetry.timestamp import rfc3339
from angarium.tracking.judging import HONEYPOT, PICTURE


class MailRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fields that do not apply are left out. ``sequence`` never repeats: a reader can drop what it has seen."""

    sequence: int
    ts: str  # RFC 3339, UTC
    event: str  # accepted | delivered | relayed | deferred | bounced | expired | in_doubt | held | released | ...
    message: str  # the queue's id, a UUID; empty when it is about no message
    id: str = ""  # of the recipient: <uuid>.<index>
    sender: str = ""  # the reverse-path; "" is the null one
    recipient: str = ""
    recipients: tuple[str, ...] = ()  # of an accepted message
    tenant: str = ""
    stream: str = ""
    campaign: str = ""  # of the message; also a condition of a hold rule
    tags: tuple[str, ...] = ()  # of an accepted message
    size_octets: int = 0
    message_id_header: str = ""
    listener: str = ""
    client: str = ""
    user: str = ""
    code: int = 0  # the peer's reply; left out when there was none
    enhanced: str = ""
    reply: str = ""  # its text, or our reason
    # What a failure means, or a bounce that came back: angarium.feedback.classes
    bounce_class: str = msgspec.field(name="class", default="")
    stage: str = ""  # where the attempt was decided
    host: str = ""
    address: str = ""
    source: str = ""
    tls: str = ""
    tls_skipped: str = ""  # why the TLS that the host offers was done without
    tls_cipher: str = ""
    tls_verified: bool = False
    dkim: tuple[str, ...] = ()  # names of the keys that signed
    unsigned: str = ""  # why none did
    attempts: int = 0
    in_doubt: int = 0
    delay_ms: int = -1  # since it was accepted
    queue_ms: int = -1  # of these, until the attempt ended
    due: str = ""  # of the next attempt
    actor: str = ""  # who held, released, retried or cancelled it
    reason: str = ""
    part: str = ""  # of the content that an operator looked at: headers | all
    rule: int = 0  # the hold rule that holds or held it, or that was added or removed
    domain: str = ""  # of a tenant; condition of a hold rule, as are tenant, sender and provider
    provider: str = ""  # of the site; also a condition of a hold rule
    until: str = ""  # of a hold rule, a suppression, or a sender that is paused
    act: str = ""  # of an operator on a warm-up: hold | release | promote | finish | restart
    day: int = -1  # of the warm-up's plan, from then on
    name: str = ""  # of the rule of what providers say that came into force, or ended
    action: str = ""  # of it: suspend | throttle | ...
    # Whose mail a rule concerns: source | tenant | sender_domain | stream | campaign; a suppression: all | tenant:...
    scope: str = ""
    subject: str = ""  # which one
    how: str = ""  # it ended: ended | undone; a domain was verified: dns | operator
    repairs: tuple[str, ...] = ()  # what was mended of an accepted message
    cause: str = ""  # of a suppression: a bounce class, complaint, unsubscribe, manual, import
    reference: str = ""  # of a suppression, to what led to it
    zone: str = ""  # a DNS blocklist that has an address or domain of ours, or has it no more
    codes: tuple[str, ...] = ()  # what it answers
    meaning: str = ""  # of that
    since: str = ""  # when it was first seen there
    via: str = ""  # where an operator sent it: "mx", a smart host; left out: the usual way again
    records: tuple[str, ...] = ()  # names of DNS records of a domain that are at fault
    report: str = ""  # the id of the mail that came back
    kind: str = ""  # of it, where it is not known to be about a message: bounce | arf | dmarc | ...
    effect: str = ""  # what that has us do: suppress | retry | throttle | tell-tenant | none
    feedback_type: str = ""  # of a complaint: abuse | not-spam | ...
    link: str = ""  # that was followed
    verdict: str = ""  # on who opened it, or followed it: human | machine
    reasons: tuple[str, ...] = ()  # of that
    signs: tuple[str, ...] = ()  # what a fetch showed of who it is
    webhook: str = ""  # id of an endpoint
    status: str = ""  # of a campaign from now on
    paused: bool = False  # a campaign is
    rows: int = 0  # of its file, that were read
    accepted: int = 0  # of these
    refused: int = 0  # likewise
    alias: str = ""  # stands for an address that was erased
    found: int = 0  # how many records had it
    sender_told: str = ""  # of a bounce that came back: told | again | unwanted | limit | forgotten


def mail_record(position: Position) -> MailRecord:
    """Return the line for one event."""
    event = position.event
    match event:
        case MessageAccepted():
            return _accepted(position.sequence, event)
        case HoldRuleAdded() | HoldRuleRemoved():
            return _rule(position.sequence, event)
        case WarmupChanged():
            return MailRecord(
                sequence=position.sequence,
                ts=rfc3339(event.at),
                event=event.name,
                message="",
                source=event.source,
                provider=event.provider,
                act=event.act,
                day=event.day,
                actor=event.actor,
                reason=event.reason,
            )
        case PersonErased():
            return MailRecord(
                sequence=position.sequence,
                ts=rfc3339(event.at),
                event=event.name,
                message="",
                tenant=event.tenant,
                alias=event.alias,
                found=event.found,
                actor=event.actor,
                reason=event.reason,
            )
        case WebhookDisabled():
            return MailRecord(
                sequence=position.sequence,
                ts=rfc3339(event.at),
                event=event.name,
                message="",
                tenant=event.tenant,
                webhook=event.webhook,
                host=event.host,
                since=rfc3339(event.since),
                reason=event.reason,
            )
        case CampaignStarted() | CampaignChanged() | CampaignCompleted():
            return _campaign(position.sequence, event)
        case AddressListed() | AddressDelisted():
            return _blocklist(position.sequence, event)
        case DomainVerified() | DomainFailed() | DomainRecovered():
            return _domain(position.sequence, event)
        case TrackingHostVerified() | TrackingHostFailed():
            return _tracking_host(position.sequence, event)
        case SenderPaused() | SenderResumed():
            return _sender(position.sequence, event)
        case RuleInForce() | RuleEnded():
            return _reply_rule(position.sequence, event)
        case SmartHostRested() | SmartHostBack():
            return _smart_host(position.sequence, event)
        case SesTold() | Opened() | Clicked():
            return _told(position.sequence, event)
        case Fetched():
            return _fetched(position.sequence, event)
        case ReportBounced() | Complained() | Unsubscribed() | Resubscribed():
            return _feedback(position.sequence, event)
        case ReportUnmatched() | ReportKept():
            return _report(position.sequence, event)
        case SuppressionAdded() | SuppressionRemoved():
            return _suppression(position.sequence, event)
        case ContentShown():
            return MailRecord(
                sequence=position.sequence,
                ts=rfc3339(event.at),
                event=event.name,
                message=message_id_text(event.message_id),
                tenant=event.tenant,
                stream=event.stream,
                actor=event.actor,
                reason=event.reason,
                part=event.part,
            )
        case UnknownEvent():
            return MailRecord(
                sequence=position.sequence,
                ts=rfc3339(event.at),
                event=event.name,
                message=message_id_text(event.message_id),
            )
        case _:
            pass
    attempt = getattr(event, "attempt", _NO_ATTEMPT)
    accepted = message_id_ms(event.message_id)
    return MailRecord(
        sequence=position.sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message=message_id_text(event.message_id),
        id=delivery_id_text(DeliveryId(event.message_id, event.index)),
        sender=event.reverse_path,
        recipient=event.recipient,
        tenant=event.tenant,
        stream=event.stream,
        campaign=getattr(event, "campaign", ""),
        code=attempt.code,
        enhanced=attempt.enhanced,
        reply=attempt.text,
        bounce_class=class_text(attempt)
        if isinstance(event, AttemptFailed | Bounced | Expired)
        else "",
        stage=attempt.stage,
        host=attempt.host,
        address=attempt.address,
        source=attempt.source,
        tls=attempt.tls,
        tls_skipped=attempt.tls_skipped,
        tls_cipher=attempt.tls_cipher,
        tls_verified=attempt.tls_verified,
        dkim=attempt.dkim,
        unsigned=attempt.unsigned,
        provider=attempt.provider,
        attempts=getattr(event, "attempts", 0),
        in_doubt=event.in_doubt,
        delay_ms=max(0, event.at - accepted),
        queue_ms=max(0, attempt.at - accepted) if attempt is not _NO_ATTEMPT else -1,
        due=rfc3339(event.due) if isinstance(event, AttemptFailed | Rescheduled) else "",
        actor=getattr(event, "actor", ""),
        reason=getattr(event, "reason", ""),
        rule=getattr(event, "rule", 0),
        cause=getattr(event, "cause", ""),
        scope=getattr(event, "scope", ""),
        via=getattr(event, "via", ""),
    )


def _accepted(sequence: int, event: MessageAccepted) -> MailRecord:
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message=message_id_text(event.message_id),
        sender=event.reverse_path,
        recipients=event.recipients,
        due=rfc3339(event.not_before) if event.not_before else "",
        tenant=event.tenant,
        stream=event.stream,
        campaign=event.campaign,
        tags=event.tags,
        size_octets=event.size_octets,
        message_id_header=event.message_id_header,
        listener=event.origin.text,
        client=event.origin.client,
        user=event.origin.user,
        repairs=event.repairs,
    )


def _rule(sequence: int, event: HoldRuleAdded | HoldRuleRemoved) -> MailRecord:
    conditions = event if isinstance(event, HoldRuleAdded) else None
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message="",
        actor=event.actor,
        reason=event.reason,
        rule=event.rule,
        tenant=(conditions and conditions.tenant) or "",
        sender=(conditions and conditions.sender) or "",
        domain=(conditions and conditions.domain) or "",
        provider=(conditions and conditions.provider) or "",
        campaign=(conditions and conditions.campaign) or "",
        until=rfc3339(conditions.until) if conditions and conditions.until else "",
    )


def _campaign(
    sequence: int, event: CampaignStarted | CampaignChanged | CampaignCompleted
) -> MailRecord:
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message="",
        tenant=event.tenant,
        campaign=event.campaign,
        status=event.status,
        paused=event.is_paused,
        rows=event.rows,
        accepted=event.accepted,
        refused=event.refused,
        reason=event.reason,
    )


def _blocklist(sequence: int, event: AddressListed | AddressDelisted) -> MailRecord:
    listed = event if isinstance(event, AddressListed) else None
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message="",
        zone=event.zone,
        address=event.address,
        codes=() if listed is None else listed.codes,
        meaning="" if listed is None else listed.meaning,
        reply="" if listed is None else listed.text,
        since=rfc3339(event.since) if isinstance(event, AddressDelisted) else "",
    )


def _domain(sequence: int, event: DomainVerified | DomainFailed | DomainRecovered) -> MailRecord:
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message="",
        tenant=event.tenant,
        domain=event.domain,
        how=event.how if isinstance(event, DomainVerified) else "",
        records=event.records if isinstance(event, DomainFailed) else (),
        reason=event.text if isinstance(event, DomainFailed) else "",
        since=rfc3339(event.since) if isinstance(event, DomainRecovered) else "",
    )


def _tracking_host(sequence: int, event: TrackingHostVerified | TrackingHostFailed) -> MailRecord:
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message="",
        tenant=event.tenant,
        host=event.host,
        reason=event.text if isinstance(event, TrackingHostFailed) else "",
    )


def _sender(sequence: int, event: SenderPaused | SenderResumed) -> MailRecord:
    paused = event if isinstance(event, SenderPaused) else None
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message="",
        tenant=event.tenant,
        campaign=event.campaign,
        rule=event.rule,
        reason=event.reason,
        actor="breaker" if isinstance(event, SenderPaused) else event.actor,
        until=rfc3339(paused.until) if paused is not None and paused.until is not None else "",
    )


def _reply_rule(sequence: int, event: RuleInForce | RuleEnded) -> MailRecord:
    began = event if isinstance(event, RuleInForce) else None
    ended = event if isinstance(event, RuleEnded) else None
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message="",
        name=event.rule,
        action=event.action,
        scope=event.scope,
        subject=event.subject,
        provider=event.provider,
        reply="" if began is None else began.reply,
        until=rfc3339(began.until) if began is not None and began.until is not None else "",
        how="" if ended is None else ended.how,
        actor="" if ended is None else ended.actor,
        reason="" if ended is None else ended.reason,
    )


def _smart_host(sequence: int, event: SmartHostRested | SmartHostBack) -> MailRecord:
    rested = event if isinstance(event, SmartHostRested) else None
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message="",
        via=event.way,
        reason="" if rested is None else rested.reason,
        until="" if rested is None else rfc3339(rested.until),
    )


def _feedback(
    sequence: int, event: ReportBounced | Complained | Unsubscribed | Resubscribed
) -> MailRecord:
    bounced = event if isinstance(event, ReportBounced) else None
    complained = event if isinstance(event, Complained) else None
    is_known = event.index >= 0
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message=message_id_text(event.message_id),
        id=delivery_id_text(DeliveryId(event.message_id, event.index)) if is_known else "",
        recipient=event.recipient,
        tenant=event.tenant,
        stream=event.stream,
        campaign=event.campaign,
        report=_id_text(event.report),
        enhanced="" if bounced is None else bounced.status,
        reply="" if bounced is None else bounced.reply,
        bounce_class="" if bounced is None else bounced.bounce_class,
        effect="" if bounced is None else bounced.effect,
        host="" if isinstance(event, Unsubscribed | Resubscribed) else event.host,
        feedback_type="" if complained is None else complained.feedback_type,
        sender_told="" if bounced is None else bounced.sender_told,
        how=event.how if isinstance(event, Unsubscribed) else "",
        scope=event.scope if isinstance(event, Unsubscribed | Resubscribed) else "",
    )


def _told(sequence: int, event: SesTold | Opened | Clicked) -> MailRecord:
    told = event if isinstance(event, SesTold) else None
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message=message_id_text(event.message_id),
        id=delivery_id_text(DeliveryId(event.message_id, event.index)) if event.index >= 0 else "",
        recipient=event.recipient,
        tenant=event.tenant,
        stream=event.stream,
        campaign=event.campaign,
        report=_id_text(event.report),
        kind="" if told is None else told.kind,
        reply="" if told is None else told.reply,
        client="" if isinstance(event, SesTold) else event.client,
        link=event.link if isinstance(event, Clicked) else "",
        verdict="" if isinstance(event, SesTold) else event.verdict,
        reasons=() if isinstance(event, SesTold) else event.reasons,
    )


def _fetched(sequence: int, event: Fetched) -> MailRecord:
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message=_id_text(event.message_id),
        id=delivery_id_text(DeliveryId(event.message_id, event.index)) if event.index >= 0 else "",
        tenant=event.tenant,
        client=f"{event.network} {event.agent}".strip(),
        kind=_FETCH_KINDS.get(event.link_number, "link"),
        link=event.link,
        signs=event.signs,
    )


def _report(sequence: int, event: ReportUnmatched | ReportKept) -> MailRecord:
    unmatched = event if isinstance(event, ReportUnmatched) else None
    kept = event if isinstance(event, ReportKept) else None
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message=_id_text(event.message_id),
        kind=event.kind,
        report=message_id_text(event.report),
        client=event.client,
        recipients=() if unmatched is None else unmatched.recipients,
        reason="" if unmatched is None else unmatched.why,
        sender="" if kept is None else kept.sender,
        size_octets=0 if kept is None else kept.size_octets,
    )


def _suppression(sequence: int, event: SuppressionAdded | SuppressionRemoved) -> MailRecord:
    added = event if isinstance(event, SuppressionAdded) else None
    return MailRecord(
        sequence=sequence,
        ts=rfc3339(event.at),
        event=event.name,
        message=_id_text(event.message_id),
        recipient=event.email,
        scope=event.scope,
        cause=event.cause,
        reply="" if added is None else added.evidence,
        reference="" if added is None else added.reference,
        until=rfc3339(added.until) if added is not None and added.until is not None else "",
        actor=event.actor,
        reason=event.reason,
    )


def _id_text(message_id: bytes) -> str:
    return message_id_text(message_id) if message_id else ""


_FETCH_KINDS = {PICTURE: "picture", HONEYPOT: "honeypot"}
_NO_ATTEMPT = Attempt(
    at=UnixMs(0),
    host="",
    address="",
    source="",
    code=0,
    enhanced="",
    text="",
    tls="",
    stage="",
)

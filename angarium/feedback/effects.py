"""What a report has us do: events, suppressions, and whether it is kept. Pure: nothing is believed here that
``evidence`` does not vouch for.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.feedback import suppression_policy as policy
from angarium.feedback.classes import BounceClass, verdict_of
from angarium.feedback.evidence import Evidence, Knowledge, Target, Why
from angarium.feedback.mail.complaints import is_complaint
from angarium.feedback.news import News
from angarium.feedback.reference import Purpose
from angarium.feedback.report import Action, MailKind, Report, ReportedRecipient
from angarium.queue.act import Actor
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.events.complained import Complained
from angarium.queue.events.report_bounced import ReportBounced
from angarium.queue.events.report_kept import ReportKept
from angarium.queue.events.report_unmatched import ReportUnmatched
from angarium.queue.events.unsubscribed import Unsubscribed
from angarium.queue.message_id import message_id_text
from angarium.queue.model import MessageId, UnixMs
from angarium.queue.reports import Shelf
from angarium.queue.suppression_changes import Suppress, SuppressionChange
from angarium.queue.suppressions import Scope, Suppression

# Ours: of an event's texts
_TEXT_CHARACTERS: Final = 1000
_NAME_CHARACTERS: Final = 320
# Recipients that an unmatched report is recorded with
_RECIPIENTS: Final = 5
_WHO: Final = "angarium"
_SHELVES: Final = {MailKind.DMARC: Shelf.DMARC, MailKind.TLS_RPT: Shelf.TLS_RPT}
# We learn nothing by these; a sender that asked for them may
_DROPPED: Final = frozenset(
    {MailKind.DELAY, MailKind.DSN_SUCCESS, MailKind.AUTO_REPLY, MailKind.ORDINARY}
)
# What a sender may have asked to be told (RFC 3461)
_NEWS: Final = frozenset({MailKind.BOUNCE, MailKind.DELAY, MailKind.DSN_SUCCESS})


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """The mail that the report came as."""

    id: MessageId
    now: UnixMs
    client: str
    reverse_path: str
    octets: int


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """Invariant FE1: an address is suppressed only if a valid reference names it, alone or by its check."""

    outcome: str  # matched | unmatched | kept | dropped
    events: tuple[CataloguedKind, ...] = ()
    changes: tuple[SuppressionChange, ...] = ()
    keep: Shelf | None = None
    news: tuple[News, ...] = ()  # for the sender, where it is to be told


def effects_of(report: Report, evidence: Evidence, knowledge: Knowledge, mail: Mail) -> Effects:
    """Return what the report has us do."""
    if (shelf := _SHELVES.get(report.kind)) is not None:
        return Effects(outcome="kept", events=(_kept(report, mail),), keep=shelf)
    if asks_for_no_more(report, evidence):
        return _unsubscribe(report, evidence, knowledge, mail)
    if report.kind in _DROPPED:
        return Effects(outcome="dropped", news=_news(report, evidence, knowledge))
    if not evidence.valid:
        return _unmatched(report, evidence.why, evidence.claimed, mail)
    if report.kind is MailKind.ARF:
        return _complaint(report, evidence, knowledge, mail)
    return _bounce(report, evidence, knowledge, mail)


def asks_for_no_more(report: Report, evidence: Evidence) -> bool:
    """Whatever a mail to an unsubscribe address says, but for what machines answer."""
    if report.kind is MailKind.UNSUBSCRIBE:
        return True
    is_to_unsubscribe = any(each.purpose is Purpose.UNSUBSCRIBE for each in evidence.valid)
    return report.kind is MailKind.ORDINARY and is_to_unsubscribe


def _bounce(report: Report, evidence: Evidence, knowledge: Knowledge, mail: Mail) -> Effects:
    events: list[CataloguedKind] = []
    changes: list[SuppressionChange] = []
    why = Why.UNKNOWN_RECIPIENT
    for each in report.recipients or _nameless(evidence, knowledge):
        if each.action is not Action.FAILED:
            continue
        target = _find_named(each.address, evidence, knowledge)
        if isinstance(target, Why):
            why = target
            continue
        events.append(_bounced(target, each, mail))
        if each.verdict.hard:
            # For its tenant: who has one tenant's mail has a word in that tenant's alone
            suppression = policy.hard_bounce(
                target.address,
                each.verdict.bounce_class,
                mail.now,
                evidence=_evidence(each),
                reference=_reference(mail),
                scope=Scope(tenant=target.tenant),
            )
            changes.append(_suppress(target, suppression))  # FE1
    if not events:
        return _unmatched(report, why, evidence.valid[0].message_id, mail)
    return Effects(
        outcome="matched",
        events=tuple(events),
        changes=tuple(changes),
        news=_news(report, evidence, knowledge),
    )


def _news(report: Report, evidence: Evidence, knowledge: Knowledge) -> tuple[News, ...]:
    """Return what the report says of recipients that its references vouch for."""
    if not evidence.valid or report.kind not in _NEWS:
        return ()
    reported = report.recipients
    if not reported and report.kind is MailKind.BOUNCE:
        reported = tuple(_nameless(evidence, knowledge))
    found = [(_find_named(each.address, evidence, knowledge), each) for each in reported]
    return tuple(
        News(message_id=target.message_id, index=target.index, reported=each)
        for target, each in found
        if isinstance(target, Target)
    )


def _nameless(evidence: Evidence, knowledge: Knowledge) -> Sequence[ReportedRecipient]:
    """A bounce that names nobody is about whom its reference is for; what it means, nobody knows."""
    target = _find_person((), evidence, knowledge)
    if isinstance(target, Why):
        return ()
    verdict = verdict_of(BounceClass.UNDETERMINED)
    return (ReportedRecipient(address=target.address, action=Action.FAILED, verdict=verdict),)


def _complaint(report: Report, evidence: Evidence, knowledge: Knowledge, mail: Mail) -> Effects:
    target = _find_person(report.recipients, evidence, knowledge)
    if isinstance(target, Why):
        # The message is ours, and somebody complained: that is counted, and held against nobody's address
        target = knowledge.whole(evidence.valid[0]) if target is Why.SEVERAL else target
    if isinstance(target, Why):
        return _unmatched(report, target, evidence.valid[0].message_id, mail)
    event = Complained(
        at=mail.now,
        message_id=target.message_id,
        tenant=target.tenant,
        stream=target.stream,
        campaign=target.campaign,
        index=target.index,
        recipient=target.address,
        sender_domain=target.sender_domain,
        report=mail.id,
        feedback_type=report.feedback_type,
        host=mail.client,
    )
    if not target.address or not is_complaint(report.feedback_type):
        return Effects(outcome="matched", events=(event,))
    text = f"feedback report of type {report.feedback_type}"
    text += f" from {mail.client}" if mail.client else ""
    suppression = policy.complaint(
        target.address, target.tenant, mail.now, evidence=text, reference=_reference(mail)
    )
    change = _suppress(target, suppression)  # FE1
    return Effects(outcome="matched", events=(event,), changes=(change,))


def _unsubscribe(report: Report, evidence: Evidence, knowledge: Knowledge, mail: Mail) -> Effects:
    if not evidence.valid:
        return _unmatched(report, evidence.why, evidence.claimed, mail)
    target = _find_person(report.recipients, evidence, knowledge)
    if isinstance(target, Why):
        return _unmatched(report, target, evidence.valid[0].message_id, mail)
    scope = policy.scope_to_leave(target.tenant, target.stream, target.topic)
    event = unsubscribed(target, "mail", scope, mail.now, report=mail.id)
    suppression = policy.unsubscribe(
        target.address, scope, mail.now, evidence="asked for by mail", reference=_reference(mail)
    )
    change = _suppress(target, suppression)  # FE1
    return Effects(outcome="matched", events=(event,), changes=(change,))


def unsubscribed(
    target: Target, how: str, scope: Scope, now: UnixMs, report: bytes = b""
) -> Unsubscribed:
    """Return the event of one who wants no more of a scope. ``report``: the mail that says so, if one does."""
    return Unsubscribed(
        at=now,
        message_id=target.message_id,
        tenant=target.tenant,
        stream=target.stream,
        campaign=target.campaign,
        index=target.index,
        recipient=target.address,
        sender_domain=target.sender_domain,
        report=report,
        how=how,
        scope=scope.text,
    )


def _find_named(address: str, evidence: Evidence, knowledge: Knowledge) -> Target | Why:
    return _first([knowledge.named(each, address) for each in evidence.valid])


def _find_person(
    reported: Sequence[ReportedRecipient], evidence: Evidence, knowledge: Knowledge
) -> Target | Why:
    """Return whom a reference alone is for; reported addresses only help to say how the person's is written."""
    found = _first([knowledge.only(each) for each in evidence.valid])
    persons = Evidence(valid=tuple(each for each in evidence.valid if each.index is not None))
    if isinstance(found, Target) or not persons.valid:
        return found
    return _first([found, *(_find_named(each.address, persons, knowledge) for each in reported)])


def _first(found: Sequence[Target | Why]) -> Target | Why:
    """The first target, else the first reason why there is none."""
    return next((each for each in found if isinstance(each, Target)), found[0])


def _bounced(target: Target, reported: ReportedRecipient, mail: Mail) -> ReportBounced:
    return ReportBounced(
        at=mail.now,
        message_id=target.message_id,
        tenant=target.tenant,
        stream=target.stream,
        campaign=target.campaign,
        index=target.index,
        recipient=target.address,
        sender_domain=target.sender_domain,
        report=mail.id,
        status=reported.status,
        bounce_class=reported.verdict.bounce_class,
        effect=reported.verdict.effect,
        reply=reported.reply[:_TEXT_CHARACTERS],
        host=reported.remote_host[:_NAME_CHARACTERS],
    )


def _evidence(reported: ReportedRecipient) -> str:
    host = f"{reported.remote_host}: " if reported.remote_host else ""
    status = f"{reported.status} " if reported.status not in reported.reply else ""
    return f"{host}{status}{reported.reply}"


def _suppress(target: Target, suppression: Suppression) -> Suppress:
    return Suppress(
        suppression=suppression,
        by=Actor(who=_WHO, reason="a report came back"),
        message_id=target.message_id,
    )


def _reference(mail: Mail) -> str:
    return f"report {message_id_text(mail.id)}"


def _unmatched(report: Report, why: Why, claimed: MessageId, mail: Mail) -> Effects:
    """Kept for people, and nothing else: who could have written it is anybody (A6)."""
    event = ReportUnmatched(
        at=mail.now,
        message_id=claimed,
        report=mail.id,
        kind=report.kind,
        why=why,
        recipients=tuple(
            each.address[:_NAME_CHARACTERS] for each in report.recipients[:_RECIPIENTS]
        ),
        client=mail.client,
    )
    return Effects(outcome="unmatched", events=(event,), keep=Shelf.REVIEW)


def _kept(report: Report, mail: Mail) -> ReportKept:
    return ReportKept(
        at=mail.now,
        message_id=MessageId(b""),
        report=mail.id,
        kind=report.kind,
        sender=mail.reverse_path,
        client=mail.client,
        size_octets=mail.octets,
    )

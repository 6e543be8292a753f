"""What a notification of SES has us do: what a report leads to, or an event that tells how far a message is. Pure.

It was signed by SNS, under a topic that the operator named: so what it says of a message of ours is believed, as a
valid reference is (FE1). Of whom it speaks must be a recipient of that message all the same (KN1).
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from angarium.feedback.effects import Effects, Mail, effects_of
from angarium.feedback.evidence import Evidence, Knowledge, KnownMessage, Target, Why
from angarium.feedback.reference import Reference
from angarium.feedback.report import MailKind, Report, ReportedRecipient
from angarium.feedback.ses import SesNotification
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.events.clicked import Clicked
from angarium.queue.events.opened import Opened
from angarium.queue.events.ses_told import SesTold
from angarium.queue.model import MessageId
from angarium.queue.reports import Shelf
from angarium.queue.suppression_key import compared_form

_UNKNOWN: Final = Report(kind=MailKind.ORDINARY)
# As ``reference.lane_of`` nothing: the tenant stands in the reference
_NO_LANE: Final = b""


def effects_of_notification(
    told: SesNotification,
    message_id: MessageId | None,
    known: KnownMessage | None,
    knowledge: Knowledge,
    mail: Mail,
) -> Effects:
    """``message_id`` and ``known``: of our message; None: it is not known. It is kept, so that it counts once."""
    report = told.report
    if message_id is None or known is None:
        if report is None:
            return Effects(outcome="dropped", keep=Shelf.SES)
        return effects_of(report, Evidence(why=Why.UNKNOWN_RECIPIENT), knowledge, mail)
    evidence = _evidence(told, message_id, known)
    if report is not None:
        found = effects_of(report, evidence, knowledge, mail)
        return found if found.keep is not None else msgspec.structs.replace(found, keep=Shelf.SES)
    events = [_event(told, each, mail) for each in _targets(told, evidence, knowledge)]
    return Effects(outcome="matched", events=tuple(events), keep=Shelf.SES)


def _evidence(told: SesNotification, message_id: MessageId, known: KnownMessage) -> Evidence:
    """One that is named alone is meant, wherever one is: of several who may have complained nobody is."""
    whole = Reference(
        key_id=0,
        message_id=message_id,
        index=None,
        day=0,
        check=b"",
        lane=_NO_LANE,
        tenant=known.tenant,
        stream=known.stream,
        campaign=known.campaign,
    )
    if told.kind != "complaint" or len(told.recipients) != 1:
        return Evidence(valid=(whole,))
    wanted = _compared(told.recipients[0].address)
    for index, address in enumerate(known.recipients):
        if wanted and _compared(address) == wanted:
            alone = msgspec.structs.replace(whole, index=index, address=address)
            return Evidence(valid=(alone, whole))
    return Evidence(valid=(whole,))


def _targets(told: SesNotification, evidence: Evidence, knowledge: Knowledge) -> Sequence[Target]:
    """Return whom it tells of: those it names, else the message's only recipient, else nobody in particular."""
    whole = evidence.valid[0]
    names = [each.address for each in told.recipients]
    if not names and len(told.everyone) == 1:
        names = list(told.everyone)
    found = [knowledge.named(whole, each) for each in names] or [knowledge.whole(whole)]
    return [each for each in found if isinstance(each, Target)]


def _event(told: SesNotification, target: Target, mail: Mail) -> CataloguedKind:
    shared: dict[str, Any] = {
        "at": mail.now,
        "message_id": target.message_id,
        "tenant": target.tenant,
        "stream": target.stream,
        "campaign": target.campaign,
        "index": target.index,
        "recipient": target.address,
        "sender_domain": target.sender_domain,
        "report": mail.id,
    }
    match told.kind:
        case "open":
            return Opened(**shared, client=told.client)
        case "click":
            return Clicked(**shared, client=told.client, link=told.text)
        case _:
            return SesTold(**shared, kind=told.kind, reply=_reply(told, target.address))


def _reply(told: SesNotification, address: str) -> str:
    mine = next((each for each in told.recipients if each.address == address), None)
    return told.text or (mine.reply if isinstance(mine, ReportedRecipient) else "")


def _compared(address: str) -> str:
    try:
        return compared_form(address)
    except ValueError:
        return ""

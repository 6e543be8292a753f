"""A mail that came back, read: what kind it is, whom it is about, what it means for them. Pure.

The order is from what cannot be mistaken to what only words say: report parts, the mail of machines, words.
Nothing here knows whether a report is to be believed.
"""

import re
from typing import Final

from angarium.feedback.classes import BounceClass, Effect, Verdict
from angarium.feedback.mail.answers import (
    is_automatic,
    is_receipt,
    is_unsubscribe,
)
from angarium.feedback.mail.bounces import BounceReport, find_bounce
from angarium.feedback.mail.complaints import find_complaint, sender_of
from angarium.feedback.mail.fields import Fields
from angarium.feedback.mail.original import own_fields
from angarium.feedback.mail.parts import ParsedMail, read_parts
from angarium.feedback.mail.references import references_of
from angarium.feedback.mail.statistics_mail import is_dmarc_report, is_tls_report
from angarium.feedback.report import Action, MailKind, Report, ReportedRecipient

_WANTS_NO_MORE: Final = Verdict(BounceClass.UNDETERMINED, Effect.SUPPRESS)
_MESSAGE_ID: Final = re.compile(r"<([^<>\s]{1,500})>|([^<>\s]{1,500})")


def read_mail(
    octets: bytes, envelope_recipient: str = "", *, has_null_path: bool = False
) -> Report:
    """Return what the mail says. Any octets have an answer, in time that their number bounds.

    ``envelope_recipient``: whom the mail was accepted for, where that is known. ``has_null_path``: whether its reverse
    path was null, as that of each report is; where it is not told, a Return-Path in the mail may say so.
    """
    mail = read_parts(b"Return-Path: <>\n" + octets if has_null_path else octets)
    complaint = find_complaint(mail)
    if complaint is not None:
        return Report(
            kind=MailKind.ARF,
            recipients=complaint.recipients,
            feedback_type=complaint.feedback_type,
            references=references_of(
                envelope_recipient, mail.fields, complaint.fields, complaint.original
            ),
            message_id=_message_id(complaint.original),
        )
    if is_tls_report(mail):
        return _plain(MailKind.TLS_RPT, mail, envelope_recipient)
    if is_dmarc_report(mail):
        return _plain(MailKind.DMARC, mail, envelope_recipient)
    if is_receipt(mail):
        return _plain(MailKind.AUTO_REPLY, mail, envelope_recipient)
    bounce = find_bounce(mail)
    if bounce is not None:
        return _of_bounce(bounce, mail, envelope_recipient)
    if is_unsubscribe(mail):
        return _unsubscribe(mail, envelope_recipient)
    return _plain(
        MailKind.AUTO_REPLY if is_automatic(mail) else MailKind.ORDINARY, mail, envelope_recipient
    )


def _plain(kind: MailKind, mail: ParsedMail, envelope_recipient: str) -> Report:
    return Report(
        kind=kind, references=references_of(envelope_recipient, mail.fields, Fields(), Fields())
    )


def _unsubscribe(mail: ParsedMail, envelope_recipient: str) -> Report:
    sender = sender_of(mail.fields)
    recipient = ReportedRecipient(
        address=sender, action=Action.DELIVERED, verdict=_WANTS_NO_MORE, reply="unsubscribe"
    )
    return Report(
        kind=MailKind.UNSUBSCRIBE,
        recipients=(recipient,) if sender else (),
        references=references_of(envelope_recipient, mail.fields, Fields(), Fields()),
    )


def _of_bounce(bounce: BounceReport, mail: ParsedMail, envelope_recipient: str) -> Report:
    return Report(
        kind=_kind(bounce),
        recipients=bounce.recipients,
        references=references_of(envelope_recipient, mail.fields, Fields(), bounce.original),
        message_id=_message_id(bounce.original),
        original=own_fields(bounce.original),
    )


def _kind(bounce: BounceReport) -> MailKind:
    actions = {each.action for each in bounce.recipients}
    if Action.FAILED in actions:
        return MailKind.BOUNCE
    if Action.DELAYED in actions:
        return MailKind.DELAY
    if actions:
        return MailKind.DSN_SUCCESS
    return MailKind.DELAY if bounce.is_delay else MailKind.BOUNCE


def _message_id(original: Fields) -> str:
    found = _MESSAGE_ID.search(original.raw("message-id"))
    return (found[1] or found[2] or "") if found else ""

"""Whether words make a mail a notice about mail of ours: no one sign does, and technical traces count. Pure."""

import re
from typing import Final

from angarium.feedback.mail.answers import has_automatic_words, is_away
from angarium.feedback.mail.original import is_returned
from angarium.feedback.mail.parts import ParsedMail
from angarium.feedback.mail.statement import Statement
from angarium.feedback.mail.wording import FAILURE, FAILURE_SUBJECT, LIST_REFUSAL, has_any, phrases

_MACHINES: Final = phrases(
    """
    mailer-daemon | mailer daemon | postmaster | mail delivery | delivery subsystem | delivery system | maildaemon |
    mail-daemon | mdaemon | mailadmin | system administrator | mail administrator | mail system | maildelivery |
    mailerdaemon | double-bounce | delivery agent | ndr administrator | interscan | mail deliver | mail transport |
    microsoft exchange | mailsystem | delivery-notification
    """
)
_ANSWERS: Final = ("re:", "aw:", "fwd:", "fw:", "sv:", "antw:", "wg:", "rif:", "tr:", "enc:")
_REPLY: Final = re.compile(
    r"^\W{0,10}[45]\d\d(?:[ -]#?[45]\.\d{1,3}\.\d{1,3})?[ -]|(?<![\d.])[45]\d\d[ -]#?[45]\.\d{1,3}\.\d{1,3}(?![\d.])"
    r"|\(#[45]\.\d\.\d{1,3}\)",
    re.MULTILINE,
)


def is_machine(mail: ParsedMail) -> bool:
    """Whether a mail host wrote it: it says so, or its reverse path is null (RFC 5321 section 4.5.5)."""
    has_null_path = mail.fields.raw("return-path").replace(" ", "") == "<>"
    return has_null_path or _is_named_machine(mail)


def _is_named_machine(mail: ParsedMail) -> bool:
    fields = mail.fields
    sender = fields.text("from").casefold()
    if "x-failed-recipients" in fields or sender.strip().endswith("<>"):
        return True
    return has_any(sender, _MACHINES) or has_any(sender.replace("_", ""), _MACHINES)


def is_notice(statement: Statement) -> bool:
    """Whether two of these agree: who wrote it, its subject, its text, its form."""
    mail, subject = statement.mail, statement.subject
    words = statement.words.casefold()
    is_report = _is_report(mail)
    refused = _REPLY.search(words) is not None
    traced = is_report or refused or _returns_mail(statement)
    named = _is_named_machine(mail)
    if not (statement.failed or is_report):
        if is_away(subject) or has_automatic_words(words):
            return False
        # People's programs answer with a null reverse path, too (RFC 3834 section 3.3)
        answers = subject.startswith(_ANSWERS) or _is_answer(mail)
        if answers and not named and not (traced and is_machine(mail)):
            return False
    by_machine = is_machine(mail)
    says_so = refused or has_any(words, FAILURE)
    signs = by_machine + has_any(subject, FAILURE_SUBJECT) + says_so + is_report
    if signs + bool(statement.failed) < 2:
        return False
    if by_machine or has_any(words, LIST_REFUSAL):
        return True
    # Parcels are delivered, too, and rejected; and people write of their logs. What hosts write returns mail.
    return _returns_mail(statement) or is_report or (refused and "list-id" not in mail.fields)


def _is_answer(mail: ParsedMail) -> bool:
    return mail.fields.raw("auto-submitted").lower().startswith(("auto-replied", "auto-notified"))


def is_traced(statement: Statement) -> bool:
    """Whether a mail that names nobody is a notice all the same."""
    return (
        _is_report(statement.mail)
        or _returns_mail(statement)
        or _REPLY.search(statement.words) is not None
    )


def _is_report(mail: ParsedMail) -> bool:
    report_type = mail.parameters.get("report-type", "delivery-status").lower()
    return mail.content_type == "multipart/report" and report_type == "delivery-status"


def _returns_mail(statement: Statement) -> bool:
    return len(statement.original) > 2 or any(
        is_returned(each.content_type) for each in statement.mail.parts
    )

"""Whether a mail says that one of ours was not delivered, and what it says of whom. Pure.

Report fields are believed first (RFC 3464); where there are none, or they name nobody, the words are read.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from angarium.feedback.mail.addresses import addresses_of, first_address
from angarium.feedback.mail.answers import has_automatic_words, is_away
from angarium.feedback.mail.delivery_status import StatusGroup, find_status, has_groups, read_groups
from angarium.feedback.mail.fields import Fields, read_fields
from angarium.feedback.mail.judging import judge, with_status
from angarium.feedback.mail.notice import Told, read_notice
from angarium.feedback.mail.original import (
    Names,
    envelope_recipients,
    header_recipients,
    is_returned,
    names,
    original_of,
)
from angarium.feedback.mail.parts import Mail
from angarium.feedback.mail.returned_text import split_text
from angarium.feedback.mail.sns_mail import SnsNotice, find_sns
from angarium.feedback.mail.text import MAX_TEXT_OCTETS, text_of
from angarium.feedback.mail.wording import DELAY, FAILURE, FAILURE_SUBJECT, FINAL, has_any, phrases
from angarium.feedback.report import Action, ReportedRecipient

_REFUSAL_LINE: Final = re.compile(
    r"^\W{0,10}[45]\d\d(?:[ -][45]\.\d{1,3}\.\d{1,3})?[ -]", re.MULTILINE
)
# C2: ours
MAX_RECIPIENTS: Final = 500
_STATUS_TYPES: Final = frozenset(
    phrases(
        """
    message/delivery-status | message/global-delivery-status | text/delivery-status | application/delivery-status
    """
    )
)
_MACHINES: Final = phrases(
    """
    mailer-daemon | mailer daemon | postmaster | mail delivery | delivery subsystem | delivery system | maildaemon |
    mail-daemon | mdaemon | mailadmin | system administrator | mail administrator | mail system | mail.delivery |
    maildelivery | mailerdaemon | double-bounce | delivery agent | ndr administrator | interscan | mail deliver |
    mail transport | microsoft exchange | mailsystem | delivery-notification
    """
)
# They name a mailing list, not who gets its mail
_LIST_FIELDS: Final = ("list-post", "list-id", "x-beenthere", "sender", "x-mailing-list")


class Bounce(msgspec.Struct, frozen=True, kw_only=True):
    recipients: tuple[ReportedRecipient, ...]
    original: Fields
    is_delay: bool  # by its words


class _Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What was gathered from one mail."""

    mail: Mail
    notice: list[str]
    original: Fields
    failed: list[str]  # of X-Failed-Recipients
    is_delay: bool

    def told(self) -> list[Told]:
        expected = (
            *self.failed,
            *envelope_recipients(self.original),
            *header_recipients(self.original),
        )
        return read_notice(self.notice, own=self.own(), expected=names(expected))

    def own(self) -> Names:
        fields = self.mail.fields
        mine = [
            first_address(each)
            for each in fields.all_raw("from", "sender", "return-path", "reply-to")
        ]
        theirs: list[str] = []
        for value in fields.all_raw("to", "delivered-to", "x-original-to", "envelope-to"):
            theirs.extend(addresses_of(value))
        writers = [
            first_address(each)
            for each in self.original.all_raw("from", "return-path", "sender", "reply-to")
        ]
        return names(each for each in (*mine, *theirs, *writers) if each)


def find_bounce(mail: Mail) -> Bounce | None:
    """Return what ``mail`` says of mail of ours; None where it is no bounce, delay or success."""
    groups = [each for text in _status_texts(mail) for each in read_groups(text)][:MAX_RECIPIENTS]
    text = _notice_text(mail)
    sns = find_sns(text)
    if sns is not None:
        return _of_sns(sns)
    split = split_text(text)
    original = original_of(mail)
    if not len(original) and split.returned:
        original = _original_in(split.returned)
    evidence = _Evidence(
        mail=mail,
        notice=split.notice,
        original=original,
        failed=[
            each
            for value in mail.fields.all_raw("x-failed-recipients")
            for each in addresses_of(value)
        ],
        is_delay=_is_delay(mail, split.notice),
    )
    if not groups and has_groups(split.notice) and _is_machine(mail):
        groups = read_groups("\n".join(split.notice))
    if groups:
        return _made(evidence, _of_groups(evidence, groups))
    if not _is_notice(evidence):
        return None
    return _made(evidence, _of_words(evidence))


def _made(evidence: _Evidence, recipients: Sequence[ReportedRecipient]) -> Bounce | None:
    return Bounce(
        recipients=tuple(recipients), original=evidence.original, is_delay=evidence.is_delay
    )


def _status_texts(mail: Mail) -> Iterator[str]:
    return (text_of(each) for each in mail.parts if each.content_type in _STATUS_TYPES)


def _notice_text(mail: Mail) -> str:
    """Return what the mail's own words are: its texts before the message that it returns."""
    plain: list[str] = []
    markup: list[str] = []
    for part in mail.parts:
        if is_returned(part.content_type):
            if plain or markup:
                break
        elif part.content_type == "text/html":
            markup.append(text_of(part))
        elif part.content_type.startswith("text/") and part.content_type != "text/calendar":
            plain.append(text_of(part))
        if len(plain) + len(markup) == 6:
            break
    text = "\n\n".join(each for each in plain if each.strip())
    return (text or "\n\n".join(markup))[:MAX_TEXT_OCTETS]


def _original_in(lines: list[str]) -> Fields:
    """Return the returned message's header out of a text: its first lines may be words."""
    for number, line in enumerate(lines[:30]):
        name = line.strip().lstrip("> ").partition(":")
        if name[1] and name[0].replace("-", "").isalnum() and name[0].isascii():
            block = "\n".join(_unindented(lines[number:400], line))
            fields, _ = read_fields(block.encode("utf-8", "replace"))
            if len(fields):
                return fields
    return Fields()


def _unindented(lines: list[str], first: str) -> Iterator[str]:
    """Take what stands before the first field from all lines: some writers indent what they return."""
    indent = first[: len(first) - len(first.lstrip(" \t>"))]
    return (line.removeprefix(indent) if indent else line for line in lines)


def _is_machine(mail: Mail) -> bool:
    fields = mail.fields
    if "x-failed-recipients" in fields or fields.raw("return-path").replace(" ", "") == "<>":
        return True
    sender = fields.text("from").casefold()
    joined = sender.replace("_", "").replace(".", "")
    return has_any(sender, _MACHINES) or has_any(joined, _MACHINES) or sender.strip().endswith("<>")


def _is_delay(mail: Mail, notice: list[str]) -> bool:
    subject = mail.fields.text("subject").casefold()
    words = "\n".join(notice[:200]).casefold()
    return has_any(subject, DELAY) or (has_any(words, DELAY) and not has_any(words, FINAL))


def _is_notice(evidence: _Evidence) -> bool:
    """Whether words make a mail a notice: two of these agree: who wrote it, its subject, its text."""
    mail = evidence.mail
    subject = mail.fields.text("subject").casefold().strip()
    text = "\n".join(evidence.notice[:300]).casefold()
    is_report = (
        mail.content_type == "multipart/report"
        and mail.parameters.get("report-type", "delivery-status").lower() == "delivery-status"
    )
    if not (evidence.failed or is_report) and (is_away(subject) or has_automatic_words(text)):
        return False
    is_machine = _is_machine(mail)
    is_answer = (
        subject.startswith(("re:", "aw:", "fwd:", "fw:", "sv:", "antw:", "wg:")) and not is_machine
    )
    if is_answer:
        return False
    says_so = has_any(text, FAILURE) or _REFUSAL_LINE.search(text) is not None
    signs = is_machine + has_any(subject, FAILURE_SUBJECT) + says_so + is_report
    return signs >= 2


def _of_groups(evidence: _Evidence, groups: list[StatusGroup]) -> list[ReportedRecipient]:
    told: list[Told] | None = None
    found: dict[str, ReportedRecipient] = {}
    for group in groups:
        address = group.address
        if not address:
            told = evidence.told() if told is None else told
            address = _nameless(evidence, groups, told)
        if not address:
            continue
        action = group.action or _action_of(group.status, evidence)

        def reasons(address: str = address, group: StatusGroup = group) -> Iterator[str]:
            yield _diagnostic(group)
            nonlocal told
            told = evidence.told() if told is None else told
            same = [each for each in told if each.address.casefold() == address.casefold()]
            for each in same or (told if len(groups) == 1 else []):
                yield from (with_status("", text) for text in each.reasons)
            yield "\n".join(line.strip() for line in evidence.notice if line.strip())[:4000]

        judged = judge(reasons(), action)
        recipient = ReportedRecipient(
            address=address,
            action=action,
            status=_status(group.status, group.diagnostic),
            verdict=judged.verdict,
            reply=judged.reply,
            remote_host=group.remote_host,
        )
        before = found.get(address.casefold())
        if before is None or (action is Action.FAILED and before.action is not Action.FAILED):
            found[address.casefold()] = recipient
    return list(found.values())


def _diagnostic(group: StatusGroup) -> str:
    kind = f"{group.diagnostic_type}; " if group.diagnostic_type not in {"", "smtp"} else ""
    return with_status(group.status, f"{kind}{group.diagnostic}")


def _status(given: str, text: str) -> str:
    """Return the report's status; the text's where the report's says nothing (x.0.0) or is absent."""
    return given if given and not given.endswith(".0.0") else (find_status(text) or given)


def _action_of(status: str, evidence: _Evidence) -> Action:
    if status.startswith("2"):
        return Action.DELIVERED
    return Action.DELAYED if evidence.is_delay else Action.FAILED


def _nameless(evidence: _Evidence, groups: list[StatusGroup], told: list[Told]) -> str:
    """Return whom a group without an address is about, where only one can be meant."""
    named = {each.address.casefold() for each in groups if each.address}
    for candidates in ([each.address for each in told], evidence.failed, _originals(evidence)):
        free = [each for each in candidates if each.casefold() not in named]
        if len(free) == 1:
            return free[0]
    return ""


def _originals(evidence: _Evidence) -> list[str]:
    lists = {
        each.casefold()
        for value in evidence.original.all_raw(*_LIST_FIELDS)
        for each in addresses_of(value)
    }
    envelope = [
        each for each in envelope_recipients(evidence.original) if each.casefold() not in lists
    ]
    header = [each for each in header_recipients(evidence.original) if each.casefold() not in lists]
    return header if len(header) == 1 else envelope[:1]


def _of_words(evidence: _Evidence) -> list[ReportedRecipient]:
    told = evidence.told()
    known = {each.address.casefold(): each for each in told}
    if evidence.failed:
        also = [each for each in evidence.failed if each.casefold() in known]
        if also or not told:
            told = [
                known.get(each.casefold()) or Told(address=each, reasons=())
                for each in evidence.failed
            ]
    if not told:
        told = [
            Told(address=each, reasons=()) for each in _originals(evidence) or _from_verp(evidence)
        ]
    action = Action.DELAYED if evidence.is_delay else Action.FAILED
    whole = "\n".join(line.strip() for line in evidence.notice if line.strip())[:4000]
    recipients = []
    for each in told[:MAX_RECIPIENTS]:
        judged = judge((*each.reasons, whole, evidence.mail.fields.text("subject")), action)
        recipients.append(
            ReportedRecipient(
                address=each.address,
                action=action,
                status=find_status(judged.reply),
                verdict=judged.verdict,
                reply=judged.reply,
            )
        )
    return recipients


def _from_verp(evidence: _Evidence) -> list[str]:
    """Return the address that the reverse path of the mail carries: "list+joe=example.org@host" (VERP)."""
    for value in evidence.mail.fields.all_raw("delivered-to", "x-original-to", "to"):
        for address in addresses_of(value):
            local = address.rpartition("@")[0]
            name, equals, domain = local.rpartition("=")
            name = name.rpartition("+")[2] or name
            if equals and name and "." in domain:
                return [f"{name}@{domain}"]
    return []


def _of_sns(sns: SnsNotice) -> Bounce | None:
    if sns.is_complaint:
        return None
    recipients = []
    for each in sns.recipients:
        judged = judge([with_status(each.status, each.diagnostic)], each.action)
        recipients.append(
            ReportedRecipient(
                address=each.address,
                action=each.action,
                status=_status(each.status, each.diagnostic),
                verdict=judged.verdict,
                reply=judged.reply,
            )
        )
    return Bounce(recipients=tuple(recipients), original=Fields(), is_delay=False)

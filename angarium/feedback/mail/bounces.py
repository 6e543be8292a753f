"""Whether a mail says that one of ours was not delivered, and what it says of whom. Pure.

Report fields are believed first (RFC 3464); where there are none, or they name nobody, the words are read.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from angarium.feedback.mail.delivery_status import (
    StatusGroup,
    find_status,
    has_groups,
    read_groups,
)
from angarium.feedback.mail.fields import Fields
from angarium.feedback.mail.judging import Judge, with_status
from angarium.feedback.mail.notice import Noticed
from angarium.feedback.mail.parts import ParsedMail
from angarium.feedback.mail.reasons import heading_of, replies_in, says_something, why
from angarium.feedback.mail.recognition import is_machine, is_notice, is_traced
from angarium.feedback.mail.sns_mail import SnsNotice, find_sns
from angarium.feedback.mail.statement import Statement, gather
from angarium.feedback.mail.text import MAX_STATUS_OCTETS, text_of
from angarium.feedback.report import Action, ReportedRecipient

# C2: ours
MAX_RECIPIENTS: Final = 500
MAX_WORDS: Final = 3000
# More lines of the reply follow (RFC 5321 section 4.2.1)
_CUT: Final = re.compile(r"[45]\d\d-")
_STATUS_TYPES: Final = frozenset(
    {
        "message/delivery-status",
        "message/global-delivery-status",
        "text/delivery-status",
        "application/delivery-status",
    }
)


class BounceReport(msgspec.Struct, frozen=True, kw_only=True):
    recipients: tuple[ReportedRecipient, ...]
    original: Fields
    is_delay: bool  # by its words


def find_bounce(mail: ParsedMail) -> BounceReport | None:
    """Return what ``mail`` says of mail of ours; None where it is no bounce, delay or success."""
    statement = gather(mail)
    if sns := find_sns("\n".join(statement.text.notice)):
        return None if sns.feedback_type else _made(statement, _of_sns(sns))
    groups = [group for text in _status_texts(mail) for group in read_groups(text)]
    if not groups and has_groups(statement.text.notice) and is_machine(mail):
        groups = read_groups("\n".join(statement.text.notice))
    if groups:
        return _made(statement, _of_groups(statement, groups[:MAX_RECIPIENTS]))
    if not is_notice(statement):
        return None
    recipients = _of_words(statement)
    return _made(statement, recipients) if recipients or is_traced(statement) else None


def _status_texts(mail: ParsedMail) -> list[str]:
    """Return the report's fields: of parts of their type, else of files that have them."""
    parts = [each for each in mail.parts if each.content_type in _STATUS_TYPES]
    if not parts and is_machine(mail):
        parts = [
            each
            for each in mail.parts
            if each.content_type.startswith("application/")
            and b"inal-recipient:" in each.body[:4096].lower()
        ]
    return [text_of(each, MAX_STATUS_OCTETS) for each in parts]


def _made(statement: Statement, recipients: list[ReportedRecipient]) -> BounceReport:
    return BounceReport(
        recipients=tuple(recipients), original=statement.original, is_delay=statement.is_delay
    )


class _Words:
    """The statement's words, read once, and only when they are needed."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._told: list[Noticed] | None = None

    def told(self) -> list[Noticed]:
        if self._told is None:
            self._told = self._statement.told()
        return self._told

    def about(self, address: str, *, is_only: bool) -> Iterator[str]:
        """Yield what may say why ``address`` was refused, the best first."""
        told = self.told()
        same = [each for each in told if each.address.casefold() == address.casefold()]
        chosen = same or (told if is_only else [])
        words = self._statement.words[:MAX_WORDS] if is_only else ""
        return why((one for each in chosen for one in each.reasons), words, "")

    def over(self, address: str) -> str:
        """Return the heading over ``address``; "" without one."""
        same = [each for each in self.told() if each.address.casefold() == address.casefold()]
        return heading_of(one for each in same for one in each.reasons)

    def whole(self, reply: str) -> str:
        """Return all lines of a reply of which the report has only the first."""
        for each in replies_in(self._statement.words[:MAX_WORDS]):
            if len(each) > len(reply) and each.startswith(reply):
                return each
        return reply


def _of_groups(statement: Statement, groups: list[StatusGroup]) -> list[ReportedRecipient]:
    words, judge = _Words(statement), Judge()
    found: dict[str, ReportedRecipient] = {}
    for group in groups:
        address = group.address or _nameless(statement, groups, words)
        if not address:
            continue
        action = group.action or _action_of(group.status, statement)
        before = found.get(address.casefold())
        if before is not None and (action is not Action.FAILED or before.action is Action.FAILED):
            continue
        is_only = len(groups) == 1
        is_mute = not says_something(group.diagnostic)
        judged = judge.judge(
            _texts(group, address, words, is_only=is_only),
            action,
            notice=statement.words[:MAX_WORDS] if is_only and is_mute else "",
            heading=words.over(address) if is_mute else "",
        )
        found[address.casefold()] = ReportedRecipient(
            address=address,
            action=action,
            status=_status(group.status, group.diagnostic),
            verdict=judged.verdict,
            reply=judged.reply,
            remote_host=group.remote_host,
        )
    return list(found.values())


def _texts(group: StatusGroup, address: str, words: _Words, *, is_only: bool) -> Iterator[str]:
    """Yield what may say why: the report's own text; where it has none, the notice's words come before its code."""
    kind = f"{group.diagnostic_type}; " if group.diagnostic_type not in {"", "smtp"} else ""
    said = f"{kind}{group.diagnostic}"
    if says_something(group.diagnostic):
        yield with_status(group.status, words.whole(said) if _CUT.match(said) else said)
        return
    for text in words.about(address, is_only=is_only):
        yield with_status(group.status, text)
    yield f"{with_status(group.status, said)} {group.remark}".strip()


def _status(given: str, text: str) -> str:
    """Return the report's status; the text's where the report's says nothing (x.0.0) or is absent."""
    return given if given and not given.endswith(".0.0") else (find_status(text) or given)


def _action_of(status: str, statement: Statement) -> Action:
    if status.startswith("2"):
        return Action.DELIVERED
    return Action.DELAYED if statement.is_delay else Action.FAILED


def _nameless(statement: Statement, groups: list[StatusGroup], words: _Words) -> str:
    """Return whom a group without an address is about, where only one can be meant."""
    named = {each.address.casefold() for each in groups if each.address}
    said = [each.address for each in words.told()]
    for candidates in (said, statement.failed, statement.originals()):
        free = [each for each in candidates if each.casefold() not in named]
        if len(free) == 1:
            return free[0]
    return ""


def _of_words(statement: Statement) -> list[ReportedRecipient]:
    action = Action.DELAYED if statement.is_delay else Action.FAILED
    meant = _meant(statement)[:MAX_RECIPIENTS]
    words = statement.words[:MAX_WORDS] if len(meant) == 1 else ""
    judge = Judge()
    recipients = []
    for each in meant:
        judged = judge.judge(
            why(each.reasons, words, statement.mail.fields.text("subject")),
            action,
            notice=statement.words[:MAX_WORDS],
            heading=heading_of(each.reasons),
        )
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


def _meant(statement: Statement) -> list[Noticed]:
    """Return whom a notice without report fields is about: the words' and the header field's must meet, if both are."""
    told = statement.told()
    known = {each.address.casefold(): each for each in told}
    if statement.failed and (
        not told or any(each.casefold() in known for each in statement.failed)
    ):
        return [
            known.get(each.casefold()) or Noticed(address=each, reasons=())
            for each in statement.failed
        ]
    if told:
        return told
    others = statement.originals() or statement.from_verp()
    return [Noticed(address=each, reasons=()) for each in others]


def _of_sns(sns: SnsNotice) -> list[ReportedRecipient]:
    judge = Judge()
    recipients = []
    for each in sns.recipients:
        judged = judge.judge([with_status(each.status, each.diagnostic)], each.action)
        recipients.append(
            ReportedRecipient(
                address=each.address,
                action=each.action,
                status=_status(each.status, each.diagnostic),
                verdict=judged.verdict,
                reply=judged.reply,
            )
        )
    return recipients

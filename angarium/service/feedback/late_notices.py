"""What senders are told of what came back after delivery, where it came to us in their place (RFC 3461, RFC 3464)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import msgspec

from angarium.feedback.mail.references import MAX_REFERENCES
from angarium.feedback.news import News, SenderTold
from angarium.feedback.reference import Purpose, ReferenceKeys, Valid
from angarium.feedback.report import Report
from angarium.mta.dsn import RecipientReport, is_wanted
from angarium.mta.dsn.line import clean_value, unfolded_field
from angarium.queue import (
    Attempt,
    Claimed,
    ClaimedMessage,
    DeliveryId,
    MessageAccepted,
    MessageId,
    PartitionNumber,
    Submission,
    UnixMs,
)
from angarium.queue.reports import ReportedMail
from angarium.smtp.envelope import Envelope

# Ours: recipients that are remembered to have been told of
REMEMBERED: Final = 10_000
Tell = Callable[[ClaimedMessage, Sequence[RecipientReport]], Submission | None]
Place = tuple[MessageId, int]  # a recipient
_CODE: Final = re.compile(r"([245][0-9]{2})(?![0-9])")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent, and for each recipient what became of its news."""

    submissions: tuple[Submission, ...] = ()
    outcomes: Mapping[Place, SenderTold]


NOBODY: Final = Told(outcomes={})


class LateNotices:
    """Invariants:

    LN1. A sender hears only of what came to a return path that stood in its own path's place, by a valid reference.
    LN2. It hears of a recipient once for each action, as long as this process remembers.
    """

    def __init__(self, return_path_domain: str | None, tell: Tell) -> None:
        """``tell``: ``SenderNotices.tell``. ``return_path_domain`` "" or None: nothing comes in anybody's place."""
        self._domain = (return_path_domain or "").lower()
        self._tell = tell
        self._told: dict[tuple[MessageId, int, str], None] = {}

    def concerned(
        self, mail: ReportedMail, news: Sequence[News], keys: ReferenceKeys, now: UnixMs
    ) -> frozenset[MessageId]:
        """Return the messages that there are news of, and to whose return paths the mail came."""
        if not self._domain or not news:
            return frozenset()
        return frozenset(self._came_to(mail, keys, now)) & {each.message_id for each in news}

    def _came_to(self, mail: ReportedMail, keys: ReferenceKeys, now: UnixMs) -> Iterator[MessageId]:
        for each in mail.recipients[:MAX_REFERENCES]:
            local_part, _, domain = each.rpartition("@")
            if domain.lower() != self._domain:
                continue
            verified = keys.verify(local_part, now)
            if isinstance(verified, Valid) and verified.reference.purpose is Purpose.REPORT:
                yield verified.reference.message_id  # LN1

    def write(
        self,
        report: Report,
        news: Sequence[News],
        accepted: Mapping[MessageId, MessageAccepted | None],
    ) -> Told:
        """Return what the senders of these messages are told. ``accepted``: how those that are concerned were."""
        outcomes: dict[Place, SenderTold] = {}
        submissions: list[Submission] = []
        concerned = sorted(
            (each for each in news if each.message_id in accepted), key=lambda each: each.message_id
        )
        for message_id, group in groupby(concerned, key=lambda each: each.message_id):
            own = list(group)
            event = accepted[message_id]
            if event is None:
                outcomes |= {(message_id, each.index): SenderTold.FORGOTTEN for each in own}
                continue
            submission = self._write(event, report, own, outcomes)
            if submission is not None:
                submissions.append(submission)
        return Told(submissions=tuple(submissions), outcomes=outcomes)

    def _write(
        self,
        event: MessageAccepted,
        report: Report,
        news: Sequence[News],
        outcomes: dict[Place, SenderTold],
    ) -> Submission | None:
        told: dict[tuple[MessageId, int, str], RecipientReport] = {}
        for each in news:
            place = (event.message_id, each.index)
            key = (*place, each.reported.action.value)
            one = _recipient_report(event, each)
            is_told_by_events = event.origin.kind == "api"
            if is_told_by_events or not event.reverse_path or not is_wanted(one):  # A5
                outcomes.setdefault(place, SenderTold.UNWANTED)
            elif key in self._told:
                outcomes.setdefault(place, SenderTold.AGAIN)
            else:
                told[key] = one
        if not told:
            return None
        submission = self._tell(_message(event, report), list(told.values()))
        outcome = SenderTold.LIMIT if submission is None else SenderTold.TOLD
        outcomes |= {(message_id, index): outcome for message_id, index, _ in told}
        if submission is not None:
            self._remember(told)
        return submission

    def _remember(self, told: Mapping[tuple[MessageId, int, str], RecipientReport]) -> None:
        self._told |= dict.fromkeys(told)  # LN2
        while len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]


def _message(event: MessageAccepted, report: Report) -> ClaimedMessage:
    """Return what is left of a message that has gone: the log's part, and of its header what came back."""
    header = _header(event, report)
    return ClaimedMessage(
        message_id=event.message_id,
        tenant=event.tenant,
        stream=event.stream,
        priority=event.priority,
        campaign=event.campaign,
        envelope=Envelope(
            reverse_path=event.reverse_path,
            recipients=(),
            envid=event.envid or None,
            smtputf8=not header.isascii(),
        ),
        content=header,
        header_octets=len(header),
        has_dot_lines=None,
        header_from="",
        message_id_header=event.message_id_header,
        accepted=event.at,
        expires=event.at,
        origin=event.origin,
        recipients=(),
    )


def _header(event: MessageAccepted, report: Report) -> bytes:
    """Return the header as it came back, if it is this message's; else its Message-ID alone."""
    fields: Sequence[tuple[str, str]] = report.original
    if not fields or report.message_id != event.message_id_header.strip("<> "):
        fields = [("message-id", event.message_id_header)] if event.message_id_header else ()
    lines = [unfolded_field(name.title(), clean_value(value)) for name, value in fields]
    return "".join([*lines, "\r\n"]).encode()


def _recipient_report(event: MessageAccepted, news: News) -> RecipientReport:
    reported, index = news.reported, news.index
    is_known = index < len(event.recipients)
    forward_path = event.recipients[index] if is_known else reported.address
    code = _CODE.match(reported.reply)
    return RecipientReport(
        recipient=Claimed(
            id=DeliveryId(event.message_id, index),
            partition=PartitionNumber(0),
            forward_path=forward_path,
            domain=forward_path.rpartition("@")[2],
            notify=event.notify_of(index),
            orcpt=event.orcpt_of(index),
            attempts=1,
            in_doubt=0,
            delay_dsn_sent=False,
            last=None,
        ),
        action=reported.action.value,
        attempt=Attempt(
            at=UnixMs(0),  # when, the report's own time would have to be believed
            host=reported.remote_host,
            address="",
            source="",
            code=int(code[1]) if code else 0,
            enhanced=reported.status,
            text=reported.reply,
            tls="",
            stage="",
        ),
        later=True,
    )

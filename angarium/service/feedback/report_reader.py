"""Reads what came back, in order, and settles it: what it says, whether that is believed, what follows."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from angarium.feedback.effects import Effects, Mail, effects_of
from angarium.feedback.evidence import Evidence, Knowledge, KnownMessage, Why, judge
from angarium.feedback.mail.references import MAX_REFERENCES
from angarium.feedback.reading import read_mail
from angarium.feedback.reference import ReferenceKeys
from angarium.feedback.report import MailKind, Report
from angarium.feedback.ses import SesNotification, read_notification
from angarium.feedback.ses_effects import effects_of_notification
from angarium.queue import MessageId, UnixMs
from angarium.queue.destination import SES
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.message_id import parse_message_id
from angarium.queue.reports import (
    DAMAGED,
    KEPT_BOUNDS,
    NotWaitingError,
    ReportBounds,
    ReportedMail,
    Reports,
    SettledReport,
    Shelf,
)
from angarium.service.feedback.lanes import LaneRegister
from angarium.telemetry import log, log_exception

# Reports that are read and settled at a time: some milliseconds of the queue's write lock, which deliveries wait for
BATCH: Final = 50
BATCH_OCTETS: Final = 8 << 20
# Ours, of one report: each may be a search of the event log
LOOK_UPS: Final = 2
# Where a notification that was settled is kept
SETTLED: Final = (Shelf.SES, Shelf.REVIEW)
Count = Callable[[str, str], None]  # kind, outcome


class Reading(Protocol):
    """``feedback.reading.read_mail`` is it."""

    def __call__(
        self, octets: bytes, envelope_recipient: str = "", *, has_null_path: bool = False
    ) -> Report: ...


class ReportReader:
    """Invariant RR1: a report waits until everything that it leads to is on disk with its end."""

    def __init__(
        self,
        reports: Reports,
        lanes: LaneRegister,
        keys: ReferenceKeys,
        clock: Callable[[], UnixMs],
        count: Count = lambda _kind, _outcome: None,
        read: Reading = read_mail,
    ) -> None:
        """``read`` is called in a thread."""
        self._reports = reports
        self._lanes = lanes
        self.keys = keys  # may change at any time, as the next
        self.kept_bounds: ReportBounds = KEPT_BOUNDS
        self._clock = clock
        self._count = count
        self._read = read

    async def work(self) -> int:
        """Read and settle some of what waits; returns how many, 0 if nothing waits. Raises QueueError."""
        waiting = self._reports.pending(BATCH, BATCH_OCTETS)
        if not waiting:
            return 0
        read = await asyncio.to_thread(self._read_all, waiting)
        weighed = [
            (mail, report, await self._weigh(mail, report))
            for mail, report in zip(waiting, read, strict=True)
        ]
        try:
            await self._settle(weighed)
        except (ValueError, NotWaitingError):
            for each in weighed:
                await self._settle_alone(*each)
        for _, report, effects in weighed:
            self._count(report.kind, effects.outcome)
        return len(waiting)

    def _read_all(self, waiting: Sequence[ReportedMail]) -> list[Report | SesNotification]:
        return [self._read_one(each) for each in waiting]

    def _read_one(self, mail: ReportedMail) -> Report | SesNotification:
        if mail.via == DAMAGED:
            return Report(kind=MailKind.ORDINARY)
        try:
            if mail.via == SES:
                return read_notification(mail.content) or Report(kind=MailKind.ORDINARY)
            recipient = mail.recipients[0] if mail.recipients else ""
            return self._read(mail.content, recipient, has_null_path=not mail.reverse_path)
        except Exception as error:  # noqa: BLE001 - a defect of ours must not stop all that comes behind
            log_exception("internal_error", error, where="feedback")
            return Report(kind=MailKind.ORDINARY)

    async def _weigh(self, mail: ReportedMail, report: Report | SesNotification) -> Effects:
        now = self._clock()
        about = Mail(
            id=mail.id,
            now=now,
            client=mail.client,
            reverse_path=mail.reverse_path,
            octets=len(mail.content),
        )
        if mail.via == DAMAGED:
            log("report_damaged", "error", report=mail.id.hex())
            return effects_of(
                Report(kind=MailKind.BOUNCE), Evidence(why=Why.DAMAGED), self._knowledge({}), about
            )
        if isinstance(report, SesNotification):
            if any(self._reports.find(each, mail.id) is not None for each in SETTLED):
                return Effects(outcome="dropped")  # it was repeated
            return await self._weigh_notification(report, about)
        evidence = judge([self.keys.verify(each, now) for each in _references(report, mail)])
        known = await self._look_up(report, evidence)
        return effects_of(report, evidence, self._knowledge(known), about)

    async def _weigh_notification(self, told: SesNotification, about: Mail) -> Effects:
        """Our message is named by what we sent along: its id, a reference in its header; else by SES's own id."""
        message_id: MessageId | None = None
        with contextlib.suppress(ValueError):
            message_id = parse_message_id(told.message) if told.message else None
        if message_id is None:
            valid = judge([self.keys.verify(each, about.now) for each in told.references]).valid
            message_id = valid[0].message_id if valid else None
        if message_id is None:
            at = UnixMs(told.sent_ms or about.now)
            message_id = await self._reports.find_sent(f"Ok {told.ses_message_id}", at)
        event = None if message_id is None else await self._reports.find_accepted(message_id)
        known = None if event is None else _known(event)
        found = {} if message_id is None or known is None else {message_id: known}
        return effects_of_notification(told, message_id, known, self._knowledge(found), about)

    async def _look_up(self, report: Report, evidence: Evidence) -> dict[MessageId, KnownMessage]:
        known: dict[MessageId, KnownMessage] = {}
        knowledge = self._knowledge(known)
        for reference in evidence.valid[:LOOK_UPS]:
            if knowledge.is_sufficient(reference, has_address=bool(report.recipients)):
                continue
            event = await self._reports.find_accepted(reference.message_id)
            if event is not None:
                known[reference.message_id] = _known(event)
        return known

    def _knowledge(self, known: dict[MessageId, KnownMessage]) -> Knowledge:
        return Knowledge(self.keys, self._lanes.find, known)

    async def _settle(
        self, weighed: Sequence[tuple[ReportedMail, Report | SesNotification, Effects]]
    ) -> None:
        await self._reports.settle(  # RR1
            [SettledReport(id=mail.id, keep=effects.keep) for mail, _, effects in weighed],
            [change for _, _, effects in weighed for change in effects.changes],
            [event for _, _, effects in weighed for event in effects.events],
            self.kept_bounds,
        )

    async def _settle_alone(
        self, mail: ReportedMail, report: Report | SesNotification, effects: Effects
    ) -> None:
        """One that cannot be settled as it is must not keep the others waiting for ever."""
        try:
            await self._settle([(mail, report, effects)])
        except NotWaitingError:
            return
        except ValueError as error:
            log_exception("internal_error", error, where="feedback")
            bare = msgspec.structs.replace(effects, changes=(), keep=Shelf.REVIEW)
            await self._settle([(mail, report, bare)])


def _references(report: Report, mail: ReportedMail) -> list[str]:
    """What may be one, best evidence first: the reader looks at one recipient of the mail, and here are the others."""
    others = [each.rpartition("@")[0] for each in mail.recipients[1:MAX_REFERENCES]]
    return list(dict.fromkeys((*report.references, *others)))


def _known(event: MessageAccepted) -> KnownMessage:
    return KnownMessage(
        tenant=event.tenant,
        stream=event.stream,
        campaign=event.campaign,
        reverse_path=event.reverse_path,
        recipients=event.recipients,
    )

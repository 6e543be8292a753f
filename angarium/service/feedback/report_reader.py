"""Reads what came back, in order, and settles it: what it says, whether that is believed, what follows."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from angarium.feedback.effects import Effects, Mail, asks_for_no_more, effects_of
from angarium.feedback.evidence import Evidence, Knowledge, KnownMessage, Why, judge
from angarium.feedback.mail.references import MAX_REFERENCES
from angarium.feedback.news import SenderTold
from angarium.feedback.reading import read_mail
from angarium.feedback.reference import ReferenceKeys
from angarium.feedback.report import MailKind, Report
from angarium.feedback.ses import SesNotification, read_notification
from angarium.feedback.ses_effects import effects_of_notification
from angarium.queue import MessageAccepted, MessageId, ReportBounced, UnixMs
from angarium.queue.destination import SES
from angarium.queue.events.catalogue import CataloguedKind
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
from angarium.service.feedback.late_notices import NOBODY, LateNotices, Told
from angarium.telemetry import log, log_exception

# Reports that are read and settled at a time: some milliseconds of the queue's write lock, which deliveries wait for
BATCH: Final = 50
BATCH_OCTETS: Final = 8 << 20
# Ours, of one report: each may be a search of the event log
LOOK_UPS: Final = 2
# Where a notification that was settled is kept
SETTLED: Final = (Shelf.SES, Shelf.REVIEW)
# Ours: messages whose acceptance is kept in memory; a report of several recipients of one asks once
KEPT_ACCEPTED: Final = 8
Count = Callable[[str, str], None]  # kind, outcome


class Reading(Protocol):
    """``feedback.reading.read_mail`` is it."""

    def __call__(
        self, octets: bytes, envelope_recipient: str = "", *, has_null_path: bool = False
    ) -> Report: ...


class _Weighed(msgspec.Struct, frozen=True, kw_only=True):
    mail: ReportedMail
    report: Report | SesNotification
    effects: Effects
    told: Told = NOBODY

    @property
    def outcome(self) -> str:
        return "matched" if self.told.submissions else self.effects.outcome

    def events(self) -> list[CataloguedKind]:
        return [_stamped(each, self.told) for each in self.effects.events]


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
        notices: LateNotices | None = None,
    ) -> None:
        """``read`` is called in a thread. ``notices`` None: no sender is told."""
        self._reports = reports
        self._lanes = lanes
        self.keys = keys  # may change at any time, as the next
        self.kept_bounds: ReportBounds = KEPT_BOUNDS
        self._clock = clock
        self._count = count
        self._read = read
        self._notices = notices or LateNotices(None, lambda _message, _reports: None)
        self._accepted: dict[MessageId, MessageAccepted | None] = {}
        # What could not be written: as it was weighed, since each weighing counts what a sender was told
        self._unsettled: list[_Weighed] = []

    async def work(self) -> int:
        """Read and settle some of what waits; returns how many, 0 if nothing waits. Raises QueueError."""
        weighed = self._unsettled or await self._weigh_all()
        self._unsettled = weighed
        try:
            await self._settle(weighed)
        except (ValueError, NotWaitingError):
            for each in weighed:
                await self._settle_alone(each)
        self._unsettled = []
        for each in weighed:
            self._count(each.report.kind, each.outcome)
        return len(weighed)

    async def _weigh_all(self) -> list[_Weighed]:
        waiting = self._reports.pending(BATCH, BATCH_OCTETS)
        if not waiting:
            return []
        read = await asyncio.to_thread(self._read_all, waiting)
        return [await self._weigh(mail, report) for mail, report in zip(waiting, read, strict=True)]

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

    async def _weigh(self, mail: ReportedMail, report: Report | SesNotification) -> _Weighed:
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
            evidence = Evidence(why=Why.DAMAGED)
            effects = effects_of(Report(kind=MailKind.BOUNCE), evidence, self._knowledge({}), about)
            return _Weighed(mail=mail, report=report, effects=effects)
        if isinstance(report, SesNotification):
            if any(self._reports.find(each, mail.id) is not None for each in SETTLED):
                effects = Effects(outcome="dropped")  # it was repeated
            else:
                effects = await self._weigh_notification(report, about)
            return _Weighed(mail=mail, report=report, effects=effects)
        evidence = judge([self.keys.verify(each, now) for each in _references(report, mail)])
        known = await self._look_up(report, evidence)
        effects = effects_of(report, evidence, self._knowledge(known), about)
        concerned = self._notices.concerned(mail, effects.news, self.keys, now)
        accepted = {each: await self._find(each) for each in sorted(concerned)[:LOOK_UPS]}
        told = self._notices.write(report, effects.news, accepted)
        return _Weighed(mail=mail, report=report, effects=effects, told=told)

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
        event = None if message_id is None else await self._find(message_id)
        known = None if event is None else _known(event)
        found = {} if message_id is None or known is None else {message_id: known}
        return effects_of_notification(told, message_id, known, self._knowledge(found), about)

    async def _look_up(self, report: Report, evidence: Evidence) -> dict[MessageId, KnownMessage]:
        known: dict[MessageId, KnownMessage] = {}
        knowledge = self._knowledge(known)
        for reference in evidence.valid[:LOOK_UPS]:
            if knowledge.is_sufficient(
                reference,
                has_address=bool(report.recipients),
                asks_for_no_more=asks_for_no_more(report, evidence),
            ):
                continue
            event = await self._find(reference.message_id)
            if event is not None:
                known[reference.message_id] = _known(event)
        return known

    async def _find(self, message_id: MessageId) -> MessageAccepted | None:
        """Return how a message was accepted: what was found lately, or a search of the log."""
        if message_id not in self._accepted:
            found = await self._reports.find_accepted(message_id)
            if len(self._accepted) == KEPT_ACCEPTED:
                del self._accepted[next(iter(self._accepted))]
            self._accepted[message_id] = found
        return self._accepted[message_id]

    def _knowledge(self, known: dict[MessageId, KnownMessage]) -> Knowledge:
        return Knowledge(self.keys, self._lanes.find, known)

    async def _settle(self, weighed: Sequence[_Weighed]) -> None:
        if not weighed:
            return
        await self._reports.settle(  # RR1
            [SettledReport(id=each.mail.id, keep=each.effects.keep) for each in weighed],
            [change for each in weighed for change in each.effects.changes],
            [event for each in weighed for event in each.events()],
            self.kept_bounds,
            [submission for each in weighed for submission in each.told.submissions],
        )

    async def _settle_alone(self, weighed: _Weighed) -> None:
        """One that cannot be settled as it is must not keep the others waiting for ever."""
        try:
            await self._settle([weighed])
        except NotWaitingError:
            return
        except ValueError as error:
            log_exception("internal_error", error, where="feedback")
            bare = msgspec.structs.replace(weighed.effects, changes=(), keep=Shelf.REVIEW)
            await self._settle([msgspec.structs.replace(weighed, effects=bare, told=NOBODY)])


def _stamped(event: CataloguedKind, told: Told) -> CataloguedKind:
    """Return the event of a bounce with what its sender was told."""
    if not isinstance(event, ReportBounced):
        return event
    outcome = told.outcomes.get((event.message_id, event.index), SenderTold.NOT_OURS)
    return msgspec.structs.replace(event, sender_told=outcome.value)


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
        topic=event.topic,
    )

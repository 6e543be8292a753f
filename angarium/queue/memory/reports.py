"""Reports in memory, for tests."""

from collections.abc import Callable, Sequence

from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.events.relayed import Relayed
from angarium.queue.memory.state import MemoryState
from angarium.queue.memory.suppressions import MemorySuppressions
from angarium.queue.message_id import message_id_ms, message_id_text
from angarium.queue.model import MessageId, Submission, UnixMs
from angarium.queue.reports import (
    KEPT_BOUNDS,
    WAITING_BOUNDS,
    NotWaitingError,
    ReportBounds,
    ReportCount,
    ReportedMail,
    SettledReport,
    Shelf,
)
from angarium.queue.spool import QueueFullError
from angarium.queue.suppression_changes import SuppressionChange


class MemoryReports:
    """Implements Reports; the state survives a crash."""

    def __init__(
        self,
        state: MemoryState,
        check_new: Callable[[Sequence[Submission]], None],
        write: Callable[[Sequence[Submission]], None],
    ) -> None:
        self._state = state
        self._check_new = check_new
        self._write = write
        self._kept = state.reports
        self._suppressions = MemorySuppressions(state)

    async def accept(
        self, batch: Sequence[ReportedMail], bounds: ReportBounds = WAITING_BOUNDS
    ) -> None:
        total = self.count(Shelf.WAITING)
        octets = total.octets + sum(len(each.content) for each in batch)
        if total.reports + len(batch) > bounds.reports or octets > bounds.octets:
            raise QueueFullError("as many reports wait to be read as may")
        self._kept.update({(Shelf.WAITING, each.id): each for each in batch})

    def pending(self, limit: int, octets: int) -> list[ReportedMail]:
        found: list[ReportedMail] = []
        for each in self._on(Shelf.WAITING):
            octets -= len(each.content)
            if len(found) == limit or (found and octets < 0):
                break
            found.append(each)
        return found

    async def settle(
        self,
        settled: Sequence[SettledReport],
        changes: Sequence[SuppressionChange] = (),
        events: Sequence[CataloguedKind] = (),
        bounds: ReportBounds = KEPT_BOUNDS,
        submissions: Sequence[Submission] = (),
    ) -> None:
        for each in settled:
            if (Shelf.WAITING, each.id) not in self._kept:
                raise NotWaitingError(f"report {message_id_text(each.id)} is not waiting")
        self._check_new(submissions)
        await self._suppressions.apply(changes, events)
        for each in settled:
            report = self._kept.pop((Shelf.WAITING, each.id))
            if each.keep is not None:
                self._keep(each.keep, report, bounds)
        self._write(submissions)

    def kept(self, shelf: Shelf, after: bytes, limit: int) -> list[ReportedMail]:
        return [each for each in self._on(shelf) if each.id > after][: max(limit, 0)]

    def find(self, shelf: Shelf, report: MessageId) -> ReportedMail | None:
        return self._kept.get((shelf, report))

    async def forget(self, shelf: Shelf, reports: Sequence[MessageId]) -> int:
        return sum(self._kept.pop((shelf, each), None) is not None for each in reports)

    async def forget_before(self, shelf: Shelf, before: UnixMs, limit: int) -> int:
        old = [each.id for each in self._on(shelf) if message_id_ms(each.id) < before]
        return await self.forget(shelf, old[:limit])

    def count(self, shelf: Shelf) -> ReportCount:
        found = self._on(shelf)
        return ReportCount(reports=len(found), octets=sum(len(each.content) for each in found))

    def oldest(self, shelf: Shelf) -> UnixMs | None:
        return min((message_id_ms(each.id) for each in self._on(shelf)), default=None)

    async def find_sent(self, reply: str, at: UnixMs) -> MessageId | None:
        for each in self._state.events:
            event = each.event
            if isinstance(event, Relayed) and event.attempt.text == reply:
                return event.message_id
        return None

    async def find_accepted(self, message_id: MessageId) -> MessageAccepted | None:
        for each in self._state.events:
            event = each.event
            if isinstance(event, MessageAccepted) and event.message_id == message_id:
                return event
        return None

    def _on(self, shelf: Shelf) -> list[ReportedMail]:
        return [self._kept[key] for key in sorted(self._kept) if key[0] is shelf]

    def _keep(self, shelf: Shelf, report: ReportedMail, bounds: ReportBounds) -> None:
        if len(report.content) > bounds.octets:
            return
        self._kept[shelf, report.id] = report
        while (total := self.count(shelf)).reports > bounds.reports or total.octets > bounds.octets:
            oldest = next(each for each in self._on(shelf) if each is not report)
            del self._kept[shelf, oldest.id]

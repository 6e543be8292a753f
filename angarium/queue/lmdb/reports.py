"""Reports on LMDB: taken in through the committer, read as mapped pages."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.history import History
from angarium.queue.lmdb.report_table import (
    decode_total,
    readable_report,
    report_key,
    shelf_key,
    total_key,
)
from angarium.queue.lmdb.reporting import (
    AcceptReports,
    ForgetOldReports,
    ForgetReports,
    SettleReports,
)
from angarium.queue.lmdb.steps import follow_steps
from angarium.queue.lmdb.transaction import Operation
from angarium.queue.message_id import message_id_ms
from angarium.queue.model import MessageId, Submission, UnixMs
from angarium.queue.reports import (
    KEPT_BOUNDS,
    WAITING_BOUNDS,
    ReportBounds,
    ReportCount,
    ReportedMail,
    SettledReport,
    Shelf,
)
from angarium.queue.spool import QueueFullError
from angarium.queue.suppression_changes import SuppressionChange

# Who brings a report can wait a little: a storm of them shares commits, and takes few from deliveries
ACCEPT_WITHIN_S: Final = 0.1
# Of kept ones, looked at at once
READ_OCTETS: Final = 16 << 20


class LmdbReports:
    """Implements Reports."""

    def __init__(
        self,
        env: QueueEnvironment,
        submit: Callable[[Operation], "asyncio.Future[Any]"],
        submit_lazily: Callable[[Operation, float], "asyncio.Future[Any]"],
    ) -> None:
        self._env = env
        self._submit = submit
        self._submit_lazily = submit_lazily

    def accept(
        self, batch: Sequence[ReportedMail], bounds: ReportBounds = WAITING_BOUNDS
    ) -> "asyncio.Future[None]":
        self._env.check()
        if self._env.space.is_low():
            raise QueueFullError("the disk is below queue.min_free_octets")
        # RPT1: awaited, it is committed
        return self._submit_lazily(AcceptReports(batch, bounds), ACCEPT_WITHIN_S)

    def pending(self, limit: int, octets: int) -> list[ReportedMail]:
        return read_reports(self._env, Shelf.WAITING, b"", limit, octets)

    def settle(
        self,
        settled: Sequence[SettledReport],
        changes: Sequence[SuppressionChange] = (),
        events: Sequence[CataloguedKind] = (),
        bounds: ReportBounds = KEPT_BOUNDS,
        submissions: Sequence[Submission] = (),
    ) -> "asyncio.Future[None]":
        partitions = self._env.partitions
        return self._submit(
            SettleReports(settled, changes, events, bounds, submissions, partitions)
        )

    def kept(self, shelf: Shelf, after: bytes, limit: int) -> list[ReportedMail]:
        return read_kept(self._env, shelf, after, limit)

    def find(self, shelf: Shelf, report: MessageId) -> ReportedMail | None:
        return find_report(self._env, shelf, report)

    def forget(self, shelf: Shelf, reports: Sequence[MessageId]) -> "asyncio.Future[int]":
        return self._submit(ForgetReports(shelf, reports))

    def forget_before(self, shelf: Shelf, before: UnixMs, limit: int) -> "asyncio.Future[int]":
        return self._submit(ForgetOldReports(shelf, before, limit))

    def count(self, shelf: Shelf) -> ReportCount:
        with self._env.read() as txn:
            return decode_total(txn.get(total_key(shelf), db=self._env.meta))

    def oldest(self, shelf: Shelf) -> UnixMs | None:
        prefix = shelf_key(shelf)
        with self._env.read() as txn:
            cursor = txn.cursor(self._env.report)
            if not cursor.set_range(prefix) or not (key := cursor.key()).startswith(prefix):
                return None
            return message_id_ms(MessageId(key[len(prefix) :]))

    async def find_sent(self, reply: str, at: UnixMs) -> MessageId | None:
        return await follow_steps(History(self._env).sent(reply, at), self._submit)

    async def find_accepted(self, message_id: MessageId) -> MessageAccepted | None:
        return await follow_steps(History(self._env).accepted(message_id), self._submit)


def read_reports(
    env: QueueEnvironment, shelf: Shelf, start: bytes, limit: int, octets: int
) -> list[ReportedMail]:
    """Return what is on a shelf from a key on, the oldest first; so many octets, but one report at least."""
    prefix = shelf_key(shelf)
    found: list[ReportedMail] = []
    with env.read() as txn:
        cursor = txn.cursor(env.report)
        more = cursor.set_range(prefix + start)
        while more and len(found) < limit and (key := cursor.key()).startswith(prefix):
            report = readable_report(key, cursor.value())
            octets -= len(report.content)
            if found and octets < 0:
                break
            found.append(report)
            more = cursor.next()
    return found


def read_kept(env: QueueEnvironment, shelf: Shelf, after: bytes, limit: int) -> list[ReportedMail]:
    return read_reports(env, shelf, after + b"\0" if after else b"", limit, READ_OCTETS)


def find_report(env: QueueEnvironment, shelf: Shelf, report: MessageId) -> ReportedMail | None:
    key = report_key(shelf, report)
    with env.read() as txn:
        raw = txn.get(key, db=env.report)
    return None if raw is None else readable_report(key, raw)

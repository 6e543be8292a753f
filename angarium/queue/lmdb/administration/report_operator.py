"""Reports for a command of its own, beside a server that may run. Blocks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from angarium.config.schema import Queue
from angarium.queue.lmdb.file.check import has_file
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.reporting import AcceptReports, ForgetReports
from angarium.queue.lmdb.reports import find_report, read_kept
from angarium.queue.lmdb.transaction import Operation, OperationFailure, Transactor
from angarium.queue.model import MessageId
from angarium.queue.reports import ReportBounds, ReportedMail, Shelf
from angarium.queue.spool import Clock, QueueFullError


class ReportOperator:
    """Nothing of the queue's file is written before the first ``accept`` or ``forget``."""

    def __init__(self, env: QueueEnvironment, clock: Clock) -> None:
        self._env = env
        self._clock = clock

    @classmethod
    def open(cls, path: Path, config: Queue, clock: Clock) -> "ReportOperator":
        """Open an existing queue. Raises FileNotFoundError, DamagedQueueError, SchemaError, QueueBusyError."""
        if not has_file(path):
            raise FileNotFoundError(f"no queue in {path}")
        return cls(QueueEnvironment.open(path, config, read_only=True), clock)

    def close(self) -> None:
        self._env.close()

    def kept(self, shelf: Shelf, after: bytes, limit: int) -> list[ReportedMail]:
        return read_kept(self._env, shelf, after, limit)

    def find(self, shelf: Shelf, report: MessageId) -> ReportedMail | None:
        return find_report(self._env, shelf, report)

    def forget(self, shelf: Shelf, reports: Sequence[MessageId]) -> int:
        """Delete some that are kept; returns how many there were."""
        forgotten: int = self._transact(ForgetReports(shelf, reports))
        return forgotten

    def accept(self, batch: Sequence[ReportedMail], bounds: ReportBounds) -> None:
        """Have them read by the server. Durable on return. Raises QueueFullError: nothing was written."""
        if self._env.space.is_low():
            raise QueueFullError("the disk is below queue.min_free_octets")
        self._transact(AcceptReports(batch, bounds))

    def _transact(self, operation: Operation) -> Any:
        if self._env.read_only:
            self._env = self._env.open_to_write()
        outcome = Transactor(self._env, self._clock).run([operation]).outcomes[0]
        if isinstance(outcome, OperationFailure):
            raise outcome.error
        return outcome

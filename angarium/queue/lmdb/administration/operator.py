"""The queue's administration for a command of its own, beside a server that does not run. Blocks."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from angarium.config.schema import Queue
from angarium.queue.act import Act, Actor, Notify, Part
from angarium.queue.administration import Progress
from angarium.queue.breakdown import Breakdown, Quality
from angarium.queue.entry import Affected, EntryPage, FindProvider, ShownMessage
from angarium.queue.event_log import EventCursor, Position
from angarium.queue.hold_rule import HoldRule
from angarium.queue.lmdb.administration.administering import Administering
from angarium.queue.lmdb.administration.rescheduling import Reschedule
from angarium.queue.lmdb.event_log import Rewind, find_cursor, newest_sequence, read_events
from angarium.queue.lmdb.file.check import has_file
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.keepsakes import read_keepsakes
from angarium.queue.lmdb.quota_table import read_quota_use
from angarium.queue.lmdb.steps import run_steps
from angarium.queue.lmdb.suppression.changing import ApplySuppressions
from angarium.queue.lmdb.suppression.store import find_in, page_steps
from angarium.queue.lmdb.transaction import Operation, OperationFailure, Transactor
from angarium.queue.message_id import IdRange
from angarium.queue.model import Filter, MessageId, PartitionNumber, RouteHint, UnixMs
from angarium.queue.quota import QuotaUse
from angarium.queue.reschedule import RescheduleOutcome
from angarium.queue.spool import Clock
from angarium.queue.summary import QueueSummary
from angarium.queue.suppression_changes import SuppressionChange
from angarium.queue.suppression_filter import SuppressionFilter
from angarium.queue.suppressions import Suppression, SuppressionPage, scopes_of


class QueueOperator:
    """``QueueAdministration`` without a loop. Opens the queue's environment for itself: one per process.

    It may also be used beside a running server of other processes: the write lock is theirs in turn.

    Invariant QO1: until the first act not an octet of the queue's file is written.
    """

    def __init__(
        self,
        env: QueueEnvironment,
        clock: Clock,
        ring: Callable[[PartitionNumber], None] | None = None,
    ) -> None:
        self._clock = clock
        self._ring = ring
        self._told_provider: FindProvider = lambda _: None
        self._use(env)

    @classmethod
    def open(
        cls,
        path: str | Path,
        config: Queue,
        clock: Clock,
        ring: Callable[[PartitionNumber], None] | None = None,
    ) -> "QueueOperator":
        """Open an existing queue. ``ring`` is told which partitions have something due (a doorbell).

        Raises FileNotFoundError, DamagedQueueError, SchemaError, QueueBusyError.
        """
        if not has_file(Path(path)):
            raise FileNotFoundError(f"no queue in {path}")
        env = QueueEnvironment.open(Path(path), config, read_only=True)
        return cls(env, clock, ring)

    def close(self) -> None:
        self._env.close()

    def partitions(self) -> Sequence[PartitionNumber]:
        return [PartitionNumber(each) for each in range(self._env.partitions)]

    def summary(self) -> QueueSummary:
        return self._steps.summary()

    def show_content(self, message_id: MessageId, part: Part, by: Actor) -> bytes | None:
        self._open_to_write()
        steps = self._steps.show_content(message_id, part, by)
        return run_steps(steps, self._transact)

    def find_route(self, domain: str) -> RouteHint | None:
        return self._steps.find_route(domain)

    def quota_use(self, tenant: str) -> Sequence[QuotaUse]:
        return read_quota_use(self._env, tenant, self._clock())

    def hold_rules(self) -> tuple[HoldRule, ...]:
        return self._steps.hold_rules()

    def page(self, wanted: Filter, after: bytes | None, limit: int) -> EntryPage:
        return run_steps(self._steps.page(wanted, after, limit), self._transact)

    def read_events(self, after: int, limit: int) -> list[Position]:
        """As ``EventLog.read``."""
        return read_events(self._env, after, limit)

    def read_keepsakes(self, prefix: str) -> dict[str, bytes]:
        """As ``Keepsakes.read``."""
        return read_keepsakes(self._env, prefix)

    def last_event(self) -> int:
        """As ``EventLog.last``."""
        return newest_sequence(self._env)

    def find_cursor(self, consumer: str) -> EventCursor | None:
        """Return how far a consumer of the events is; None: it is not registered."""
        return find_cursor(self._env, consumer)

    def rewind(self, consumer: str, position: int) -> None:
        """Have a consumer get again what is behind a position; until then nothing of that is trimmed. Its state stays.
        Durable on return.
        """
        self._open_to_write()
        self._transact(Rewind(consumer, position))

    def breakdown(self, wanted: Filter, by: Quality, limit: int) -> Breakdown:
        return run_steps(self._steps.breakdown(wanted, by, limit), self._transact)

    def show(self, message_id: MessageId) -> ShownMessage | None:
        return run_steps(self._steps.show(message_id), self._transact)

    def find_messages(self, wanted: IdRange, limit: int) -> tuple[MessageId, ...]:
        return run_steps(self._steps.find_messages(wanted, limit), self._transact)

    def act(
        self,
        act: Act,
        wanted: Filter,
        by: Actor,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
        via: str = "",
    ) -> Affected:
        if not dry_run:
            self._open_to_write()
        steps = self._steps.act(act, wanted, by, dry_run=dry_run, progress=progress, via=via)
        return run_steps(steps, self._transact)

    def bounce(
        self,
        wanted: Filter,
        by: Actor,
        notify: Notify,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Affected:
        if not dry_run:
            self._open_to_write()
        steps = self._steps.bounce(wanted, by, notify, dry_run=dry_run, progress=progress)
        return run_steps(steps, self._transact)

    def reschedule(
        self, message_id: MessageId, due: UnixMs, by: Actor, tenant: str | None = None
    ) -> RescheduleOutcome:
        self._open_to_write()
        outcome: RescheduleOutcome = self._transact(
            Reschedule(message_id, due, by.bounded(), tenant)
        )
        return outcome

    def add_hold_rule(self, rule: HoldRule, by: Actor) -> HoldRule:
        self._open_to_write()
        return run_steps(self._steps.add_hold_rule(rule, by), self._transact)

    def remove_hold_rule(self, rule_id: int, by: Actor, *, release: bool) -> Affected:
        self._open_to_write()
        steps = self._steps.remove_hold_rule(rule_id, by, release=release)
        return run_steps(steps, self._transact)

    def expire_hold_rules(self) -> int:
        self._open_to_write()
        return run_steps(self._steps.expire_hold_rules(), self._transact)

    def suppression_page(
        self, wanted: SuppressionFilter, after: bytes | None, limit: int
    ) -> SuppressionPage:
        """As ``Suppressions.page``."""
        steps = page_steps(self._env, wanted, after, limit, self._clock())
        return run_steps(steps, self._transact)

    def find_suppression(
        self, address: str, tenant: str, stream: str, topic: str = ""
    ) -> Suppression | None:
        """As ``Suppressions.find``."""
        scopes = scopes_of(tenant, stream, topic)
        return find_in(self._env, (address,), scopes, self._clock())[0]

    def change_suppressions(self, changes: Sequence[SuppressionChange]) -> list[bool]:
        """As ``Suppressions.apply``."""
        operation = ApplySuppressions(changes)
        self._open_to_write()
        done: list[bool] = self._transact(operation)
        return done

    def tell_providers(self, told: FindProvider) -> None:
        self._told_provider = self._steps.told_provider = told

    def _use(self, env: QueueEnvironment) -> None:
        self._env = env
        self._transactor = Transactor(env, self._clock)
        self._steps = Administering(env, self._clock)
        self._steps.told_provider = self._told_provider

    def _open_to_write(self) -> None:
        """From the first act on. Raises as ``open`` does; then it is closed."""
        if self._env.read_only:  # QO1
            self._use(self._env.open_to_write())

    def _transact(self, operation: Operation) -> Any:
        batch = self._transactor.run([operation])
        outcome = batch.outcomes[0]
        if isinstance(outcome, OperationFailure):
            raise outcome.error
        if self._ring is not None:
            for partition in batch.newly_due:
                self._ring(partition)
        return outcome

"""What the operator does to a queue: in a process of its own, also beside a running server. Blocks."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from angarium.config.schema import Queue
from angarium.queue.act import IDS_REPORTED, Act, applies
from angarium.queue.entry import (
    Affected,
    CompiledFilter,
    EntryPage,
    ShownMessage,
    refuse_empty,
)
from angarium.queue.event import MessageAccepted
from angarium.queue.lmdb.entry_reading import EntryReader
from angarium.queue.lmdb.environment import QueueEnvironment
from angarium.queue.lmdb.history import History
from angarium.queue.lmdb.keys import parse_delivery_key
from angarium.queue.lmdb.operator_acts import ActOn
from angarium.queue.lmdb.records import MessageRecord, decode_message, origin_of
from angarium.queue.lmdb.routes import read_route
from angarium.queue.lmdb.summary import read_summary
from angarium.queue.lmdb.transaction import Operation, OperationFailure, Transactor
from angarium.queue.model import DeliveryId, Filter, MessageId, Origin, PartitionNumber, RouteHint
from angarium.queue.spool import Clock
from angarium.queue.summary import QueueSummary

ACT_LIMIT: Final = (
    500  # recipients changed in one transaction: the server beside us waits meanwhile
)

Progress = Callable[[int], None]  # recipients affected so far


class QueueOperator:
    """Opens the queue's environment for itself: one per process, and none beside an LmdbSpool."""

    def __init__(
        self,
        env: QueueEnvironment,
        clock: Clock,
        ring: Callable[[PartitionNumber], None] | None = None,
    ) -> None:
        self._env = env
        self._clock = clock
        self._ring = ring
        self._transactor = Transactor(env, clock)
        self._entries = EntryReader(env)

    @classmethod
    def open(
        cls,
        path: str | Path,
        config: Queue,
        clock: Clock,
        ring: Callable[[PartitionNumber], None] | None = None,
    ) -> "QueueOperator":
        """Open an existing queue. ``ring`` is told which partitions have something due (a doorbell).

        Raises FileNotFoundError, SchemaError, QueueBusyError.
        """
        if not (Path(path) / "data.mdb").exists():
            raise FileNotFoundError(f"no queue in {path}")
        return cls(QueueEnvironment.open(Path(path), config), clock, ring)

    def close(self) -> None:
        self._env.close()

    def summary(self) -> QueueSummary:
        return read_summary(self._env)

    def page(self, wanted: Filter, after: bytes | None, limit: int) -> EntryPage:
        """Return up to ``limit`` entries behind the cursor of the page before (None: from the start)."""
        return self._entries.page(self._compile(wanted), after, limit)

    def show(self, message_id: MessageId) -> ShownMessage | None:
        """Return what is known of a message, finished ones included while their events are kept."""
        record = self._find_message(message_id)
        entries = self._entries.entries_of(message_id)
        events = History(self._env).events_of(message_id)
        if record is None and not events:
            return None
        accepted = next((e.event for e in events if isinstance(e.event, MessageAccepted)), None)
        origin: Origin | None = None
        if record is not None:
            origin = origin_of(record)
        elif accepted is not None:
            origin = accepted.origin
        header = accepted.message_id_header if accepted is not None else ""
        return ShownMessage(
            message_id=message_id,
            queued=record is not None,
            origin=origin,
            message_id_header=header if record is None else record.message_id_header,
            header_from="" if record is None else record.header_from,
            entries=tuple(entries),
            events=tuple(events),
        )

    def find_route(self, domain: str) -> RouteHint | None:
        """Return what delivery remembered of where a domain's mail goes."""
        return read_route(self._env, domain)

    def content(self, message_id: MessageId) -> bytes | None:
        with self._env.read() as txn:
            return txn.get(message_id, db=self._env.body)

    def hold(
        self, wanted: Filter, *, dry_run: bool = False, progress: Progress | None = None
    ) -> Affected:
        """Take scheduled recipients out of the schedule until ``release``."""
        return self._act("hold", wanted, dry_run, progress)

    def release(
        self, wanted: Filter, *, dry_run: bool = False, progress: Progress | None = None
    ) -> Affected:
        """Put held recipients back at their due time, or now if that has passed."""
        return self._act("release", wanted, dry_run, progress)

    def retry(
        self, wanted: Filter, *, dry_run: bool = False, progress: Progress | None = None
    ) -> Affected:
        """Make scheduled recipients due now. Held ones stay held."""
        return self._act("retry", wanted, dry_run, progress)

    def cancel(
        self, wanted: Filter, *, dry_run: bool = False, progress: Progress | None = None
    ) -> Affected:
        """Remove scheduled and held recipients, without a DSN; the content goes with the last one."""
        return self._act("cancel", wanted, dry_run, progress)

    def _act(self, act: Act, wanted: Filter, dry_run: bool, progress: Progress | None) -> Affected:
        """Each transaction checks its recipients anew: what the server did meanwhile wins."""
        refuse_empty(wanted)
        ids: list[DeliveryId] = []
        count = in_flight = unchanged = 0
        lot: list[bytes] = []

        def do() -> None:
            nonlocal count, in_flight
            keys = list(lot) if dry_run else self._transact(ActOn(act, list(lot)))
            in_flight += len(lot) - len(keys)  # an attempt has begun since we looked, or ended
            count += len(keys)
            room = IDS_REPORTED - len(ids)
            ids.extend(parse_delivery_key(key) for key in keys[: max(room, 0)])
            lot.clear()
            if progress is not None:
                progress(count)

        for key, entry in self._entries.scan(self._compile(wanted)):
            if entry.state == "in_flight":
                in_flight += 1
            elif applies(act, entry.state == "held"):
                lot.append(key)
            else:
                unchanged += 1
            if len(lot) >= ACT_LIMIT:
                do()
        if lot:
            do()
        return Affected(count=count, ids=tuple(ids), in_flight=in_flight, unchanged=unchanged)

    def _transact(self, operation: Operation) -> list[bytes]:
        batch = self._transactor.run([operation])
        outcome = batch.outcomes[0]
        if isinstance(outcome, OperationFailure):
            raise outcome.error
        if self._ring is not None:
            for partition in batch.newly_due:
                self._ring(partition)
        keys: list[bytes] = outcome
        return keys

    def _find_message(self, message_id: MessageId) -> MessageRecord | None:
        with self._env.read() as txn:
            raw = txn.get(message_id, db=self._env.message)
        return None if raw is None else decode_message(raw)

    def _compile(self, wanted: Filter) -> CompiledFilter:
        known: dict[str, str | None] = {}

        def find_provider(domain: str) -> str | None:
            if domain not in known:
                hint = read_route(self._env, domain)
                known[domain] = None if hint is None else hint.provider
            return known[domain]

        return CompiledFilter(wanted, self._clock(), find_provider)

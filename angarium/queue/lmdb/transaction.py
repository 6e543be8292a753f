"""One write transaction for many operations: begun, filled, committed with one fsync. Blocks; no threads, no loop."""

import errno
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import lmdb
import msgspec

from angarium.queue.hold_rule import BindingRules
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.handles import Cursor, Database, RawTransaction
from angarium.queue.lmdb.keys import ERASURE_KEY, due_key, owner_key, u64
from angarium.queue.lmdb.records import decode_owner, stamp_due
from angarium.queue.lmdb.rule_cache import RuleCache
from angarium.queue.lmdb.suppression.table import find_suppression
from angarium.queue.model import PartitionNumber, UnixMs
from angarium.queue.spool import Clock, FencedError, QueueError, QueueFailedError, QueueFullError
from angarium.queue.suppressions import Scope, Suppression

_FULL_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# LMDB says EIO of a write that a full disk cut short
_FULL_MARGIN_OCTETS: Final = 4 << 20


class WriteTransaction:
    """What an operation sees of the transaction that it shares with others.

    Invariant WX1: an operation raises a QueueError before its first write, or not at all.
    """

    __slots__ = (
        *("_binding", "_changed_rules", "_epochs", "_rules", "_sequence", "_txn"),
        *("env", "newly_due", "now", "wrote"),
    )

    def __init__(
        self, env: QueueEnvironment, txn: RawTransaction, now: UnixMs, rules: RuleCache
    ) -> None:
        self._txn = txn
        self._rules = rules
        self._binding: BindingRules | None = None  # not asked for yet
        self._changed_rules = False
        self.env = env
        self.now = now
        self.wrote = False  # by the operation that is being applied: WX1
        self.newly_due: set[PartitionNumber] = set()
        self._sequence = 0  # of the newest event; 0: not read yet
        self._epochs: dict[int, int] = {}

    def get(self, db: Database, key: bytes) -> bytes | None:
        return self._txn.get(key, db=db)

    def put(self, db: Database, key: bytes, value: bytes) -> None:
        self.wrote = True
        self._txn.put(key, value, db=db)

    def insert(self, db: Database, key: bytes, value: bytes) -> bool:
        """Put a key that must be new; False, and nothing written, if it is there."""
        if not self._txn.put(key, value, overwrite=False, db=db):
            return False
        self.wrote = True
        return True

    def delete(self, db: Database, key: bytes) -> bool:
        if not self._txn.delete(key, db=db):
            return False
        self.wrote = True
        return True

    def cursor(self, db: Database) -> Cursor:
        return self._txn.cursor(db)

    def entries(self, db: Database) -> int:
        return int(self._txn.stat(db)["entries"])

    def schedule(self, partition: int, due: int, key: bytes, record: bytes, hint: bytes) -> None:
        """Write a recipient's encoded record and its due key.

        Never due earlier than the clock in this transaction: nothing appears in front of what the scheduler has
        read already.
        """
        self.wrote = True
        if due <= self.now:
            due = self.now
            self.newly_due.add(PartitionNumber(partition))
        put, env = self._txn.put, self.env
        put(key, stamp_due(due, record), db=env.delivery)
        put(due_key(partition, due, key), hint, db=env.due)

    def append_event(self, raw: bytes) -> None:
        if not self._sequence:
            cursor = self.cursor(self.env.event)
            self._sequence = int.from_bytes(cursor.key(), "big") if cursor.last() else 0
        self._sequence += 1
        self.wrote = True
        self._txn.put(u64(self._sequence), raw, append=True, db=self.env.event)

    def epoch(self, partition: int) -> int:
        found = self._epochs.get(partition)
        if found is None:
            found = decode_owner(self.get(self.env.meta, owner_key(partition))).epoch
            self._epochs[partition] = found
        return found

    def set_epoch(self, partition: int, epoch: int) -> None:
        self._epochs[partition] = epoch

    def check_epoch(self, partition: int, epoch: int) -> None:
        if self.epoch(partition) != epoch:
            raise FencedError(
                f"partition {partition} has another owner: epoch {self.epoch(partition)}, ours {epoch}"
            )

    def binding_rules(self) -> BindingRules:
        """Return the hold rules as this transaction sees them."""
        found = self._binding
        if found is None:
            may_keep = not self._changed_rules
            found = self._binding = self._rules.read(self._txn, self.env, may_keep=may_keep)
        return found

    def rules_changed(self) -> None:
        """An operation has changed the hold rules: those behind it in this transaction see that."""
        self._changed_rules = True
        self._binding = None

    def has_suppressions(self) -> bool:
        return bool(self.entries(self.env.suppression))

    def find_suppression(self, address: str, scopes: Sequence[Scope]) -> Suppression | None:
        """Return what keeps mail of these scopes from an address now, as this transaction sees it."""
        return find_suppression(
            lambda key: self._txn.get(key, db=self.env.suppression),
            address,
            scopes,
            self.now,
            self.get(self.env.meta, ERASURE_KEY),
        )

    def has_delivery(self, message_id: bytes) -> bool:
        """Whether any recipient of the message is left; one that was set aside is."""
        if self._has_any(self.env.delivery, message_id):
            return True
        return bool(self.entries(self.env.damaged)) and self._has_any(self.env.damaged, message_id)

    def _has_any(self, db: Database, message_id: bytes) -> bool:
        cursor = self.cursor(db)
        return bool(cursor.set_range(message_id)) and cursor.key()[:16] == message_id

    def delete_message(self, message_id: bytes) -> None:
        self.delete(self.env.message, message_id)
        self.delete(self.env.body, message_id)


class Operation(Protocol):
    """One caller's write. Applied anew when the transaction has to be retried: it keeps nothing from one try."""

    @property
    def octets(self) -> int:
        """About how much it writes: a transaction is bounded by this."""
        ...

    def apply(self, tx: WriteTransaction) -> Any: ...


class OperationFailure(msgspec.Struct, frozen=True):
    error: BaseException


class Batch(msgspec.Struct):
    operations: list[Operation]
    outcomes: list[Any]  # in the same order: a result or a OperationFailure
    newly_due: set[PartitionNumber]


class _OperationBroke(Exception):  # noqa: N818 - never leaves this module
    """An operation raised after it had written, or something that it should not."""


class Transactor:
    """Applies operations in one transaction, with all that may go wrong around it."""

    def __init__(self, env: QueueEnvironment, clock: Clock) -> None:
        self._env = env
        self._clock = clock
        self._rules = RuleCache()

    def run(
        self,
        operations: list[Operation],
        *,
        more: Callable[[], Sequence[Operation]] | None = None,
        before_writes: Callable[[int], None] | None = None,
        after_writes: Callable[[], None] | None = None,
    ) -> Batch:
        """Commit the operations, and what ``more`` gives once the write lock is held. Durable on return.

        ``before_writes(count)`` and ``after_writes()`` enclose the puts, not the wait for the lock nor the fsync.
        Never raises for an operation's or the disk's failure: that is in the outcomes.
        """
        while True:
            try:
                return self._attempt(operations, more, before_writes, after_writes)
            except lmdb.MapFullError:
                more = None  # grown: what was taken is in ``operations``
            except _OperationBroke as broke:
                if len(operations) == 1:
                    return Batch(operations, [OperationFailure(broke.__cause__ or broke)], set())
                return self._one_by_one(operations)
            except QueueError as error:  # failed or forked: nothing was begun
                return Batch(operations, [OperationFailure(error)] * len(operations), set())
            except lmdb.Error as error:
                failure = OperationFailure(self._judge(error, operations))
                return Batch(operations, [failure] * len(operations), set())

    def _attempt(
        self,
        operations: list[Operation],
        more: Callable[[], Sequence[Operation]] | None,
        before_writes: Callable[[int], None] | None,
        after_writes: Callable[[], None] | None,
    ) -> Batch:
        txn = self._env.begin_write()
        try:
            if more is not None:
                operations.extend(more())
            tx = WriteTransaction(self._env, txn, self._clock(), self._rules)
            if before_writes is not None:
                before_writes(len(operations))
            try:
                outcomes = [_apply(operation, tx) for operation in operations]
            finally:
                if after_writes is not None:
                    after_writes()
            txn.commit()
        except lmdb.MapFullError:
            txn.abort()
            self._env.grow()
            raise
        except BaseException:
            txn.abort()
            raise
        finally:
            self._env.end_write()
        return Batch(operations, outcomes, tx.newly_due)

    def _one_by_one(self, operations: list[Operation]) -> Batch:
        whole = Batch(operations, [], set())
        for operation in operations:
            part = self.run([operation])
            whole.outcomes += part.outcomes
            whole.newly_due |= part.newly_due
        return whole

    def _judge(self, error: lmdb.Error, operations: list[Operation]) -> QueueError:
        """Say what a failed transaction means: no room, which passes, or a disk that cannot be believed any more."""
        octets = sum(each.octets for each in operations)
        if error.code in _FULL_ERRNOS or (
            error.code == errno.EIO and self._env.space.free_octets() < octets + _FULL_MARGIN_OCTETS
        ):
            return QueueFullError(f"no room for the queue on disk: {error}")
        self._env.fail(f"the queue's disk failed: {error}")
        return QueueFailedError(f"the queue's disk failed: {error}")


def _apply(operation: Operation, tx: WriteTransaction) -> Any:
    tx.wrote = False
    try:
        return operation.apply(tx)
    except QueueError as error:
        if tx.wrote:
            raise _OperationBroke from error  # WX1
        return OperationFailure(error)
    except (lmdb.BadValsizeError, lmdb.KeyExistsError, lmdb.InvalidParameterError) as error:
        raise _OperationBroke from error  # the operation's own defect, not the disk's
    except lmdb.Error:
        raise
    except Exception as error:
        raise _OperationBroke from error

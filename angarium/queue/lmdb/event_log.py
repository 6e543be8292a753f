"""The event log in LMDB: sequence -> event, appended in the transaction of the change itself."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from angarium.queue.event import Position
from angarium.queue.lmdb.environment import QueueEnvironment
from angarium.queue.lmdb.event_records import decode_event, event_of
from angarium.queue.lmdb.handles import ReadTransaction
from angarium.queue.lmdb.keys import ack_key, u64
from angarium.queue.lmdb.transaction import Operation, WriteTransaction
from angarium.queue.model import UnixMs

TRIM_LIMIT: Final = 1000  # events deleted in one transaction
_ACK: Final = b"ack:"


class LmdbEventLog:
    """Implements EventLog. The newest event is never trimmed: the next sequence number is counted from it."""

    def __init__(
        self, env: QueueEnvironment, submit: Callable[[Operation], Awaitable[Any]]
    ) -> None:
        self._env = env
        self._submit = submit

    def read(self, after: int, limit: int) -> list[Position]:
        found: list[Position] = []
        with self._env.read() as txn:
            cursor = txn.cursor(self._env.event)
            if limit > 0 and cursor.set_range(u64(after + 1)):
                for key, raw in cursor.iternext():
                    found.append(Position(int.from_bytes(key, "big"), event_of(decode_event(raw))))
                    if len(found) == limit:
                        break
        return found

    def last(self) -> int:
        """Return the newest event's sequence number, 0 when there is none: what a consumer lags behind."""
        with self._env.read() as txn:
            return last_sequence(txn, self._env)

    async def ack(self, consumer: str, position: int) -> None:
        await self._submit(_Ack(consumer, position))

    def acked(self, consumer: str) -> int:
        with self._env.read() as txn:
            raw = txn.get(ack_key(consumer), db=self._env.meta)
        return int.from_bytes(raw or b"", "big")

    async def trim(self, before: UnixMs, keep: int) -> int:
        """As in EventLog. Nothing is trimmed while no consumer has acknowledged anything."""
        trimmed = 0
        while True:
            count: int = await self._submit(_Trim(before, keep))
            trimmed += count
            if count < TRIM_LIMIT:
                return trimmed


def last_sequence(txn: ReadTransaction, env: QueueEnvironment) -> int:
    cursor = txn.cursor(env.event)
    return int.from_bytes(cursor.key(), "big") if cursor.last() else 0


class _Ack:
    octets = 64

    def __init__(self, consumer: str, position: int) -> None:
        self._key = ack_key(consumer)
        self._position = position

    def apply(self, tx: WriteTransaction) -> None:
        before = int.from_bytes(tx.get(tx.env.meta, self._key) or b"", "big")
        if self._position > before:  # an old acknowledgement does not take a newer one back
            tx.put(tx.env.meta, self._key, u64(self._position))


class _Trim:
    octets = TRIM_LIMIT * 200

    def __init__(self, before: UnixMs, keep: int) -> None:
        self._before = before
        self._keep = keep

    def apply(self, tx: WriteTransaction) -> int:
        cursor = tx.cursor(tx.env.event)
        if not cursor.last():
            return 0
        newest = int.from_bytes(cursor.key(), "big")
        read = min(self._read_by_all(tx), newest - 1)
        count = 0
        more = cursor.first()
        while more and count < TRIM_LIMIT:
            sequence = int.from_bytes(cursor.key(), "big")
            beyond = sequence <= newest - self._keep
            if sequence > read or not (beyond or decode_event(cursor.value()).at < self._before):
                break
            tx.wrote = True
            more = cursor.delete()  # and steps to the next one
            count += 1
        return count

    def _read_by_all(self, tx: WriteTransaction) -> int:
        positions = []
        cursor = tx.cursor(tx.env.meta)
        more = cursor.set_range(_ACK)
        while more and cursor.key().startswith(_ACK):
            positions.append(int.from_bytes(cursor.value(), "big"))
            more = cursor.next()
        return min(positions, default=0)

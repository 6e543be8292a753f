"""The event log in LMDB: sequence -> event, appended in the transaction of the change itself."""

from collections.abc import Awaitable, Callable, Container, Sequence
from typing import Any, Final

from angarium.queue.event_log import Departures, EventCursor, Position, check_consumer
from angarium.queue.events.catalogue import (
    CataloguedKind,
    Departure,
    decode_readable,
    encode_event,
    is_departure,
    readable_head,
)
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.handles import ReadTransaction
from angarium.queue.lmdb.keys import ACK_PREFIX, ack_key, u64
from angarium.queue.lmdb.transaction import Operation, WriteTransaction
from angarium.queue.model import UnixMs

# Events deleted in one transaction
TRIM_LIMIT: Final = 1000
_POSITION_OCTETS: Final = 8


class LmdbEventLog:
    """Implements EventLog. The newest event is never trimmed: the next sequence number is counted from it."""

    def __init__(
        self, env: QueueEnvironment, submit: Callable[[Operation], Awaitable[Any]]
    ) -> None:
        self._env = env
        self._submit = submit

    def read(self, after: int, limit: int) -> list[Position]:
        return read_events(self._env, after, limit)

    def last(self) -> int:
        """Return the newest event's sequence number, 0 when there is none: what a consumer lags behind."""
        return newest_sequence(self._env)

    def first_at(self, at: int) -> int:
        return first_at(self._env, at)

    def departures(self, messages: Container[bytes], after: int, limit: int) -> Departures:
        events, last, looked = list[Departure](), after, 0
        with self._env.read() as txn:
            cursor = txn.cursor(self._env.event)
            for key, raw in cursor.iternext() if cursor.set_range(u64(after + 1)) else ():
                if looked == limit:
                    return Departures(events=tuple(events), last=last, is_end=False)
                looked += 1
                last = int.from_bytes(key, "big")
                if is_departure(raw) and readable_head(raw).message_id in messages:
                    event = decode_readable(raw)
                    if isinstance(event, Departure):
                        events.append(event)
        return Departures(events=tuple(events), last=last, is_end=True)

    async def register(self, consumer: str) -> EventCursor:
        check_consumer(consumer)
        known = find_cursor(self._env, consumer)  # a full disk keeps nobody from reading on
        if known is not None:
            return known
        cursor: EventCursor = await self._submit(_Register(consumer))
        return cursor

    async def retire(self, consumer: str) -> None:
        await self._submit(_Retire(consumer))

    async def ack(
        self,
        consumer: str,
        position: int,
        state: bytes | None = None,
        events: Sequence[CataloguedKind] = (),
    ) -> None:
        await self._submit(Acknowledge(consumer, position, state, events))

    def consumers(self) -> dict[str, int]:
        with self._env.read() as txn:
            return read_positions(txn, self._env)

    async def trim(self, before: UnixMs, keep: int) -> int:
        trimmed = 0
        while True:
            count: int = await self._submit(_Trim(before, keep))
            trimmed += count
            if count < TRIM_LIMIT:
                return trimmed


def read_events(env: QueueEnvironment, after: int, limit: int) -> list[Position]:
    found: list[Position] = []
    with env.read() as txn:
        cursor = txn.cursor(env.event)
        if limit > 0 and cursor.set_range(u64(after + 1)):
            for key, raw in cursor.iternext():
                found.append(Position(int.from_bytes(key, "big"), decode_readable(raw)))
                if len(found) == limit:
                    break
    return found


def first_at(env: QueueEnvironment, at: int) -> int:
    """As ``EventLog.first_at``."""
    with env.read() as txn:
        cursor = txn.cursor(env.event)
        if not cursor.first():
            return 1
        low, high = int.from_bytes(cursor.key(), "big"), last_sequence(txn, env)
        while low < high:
            middle = (low + high) // 2
            cursor.set_range(u64(middle))
            if readable_head(cursor.value()).at < at:
                low = int.from_bytes(cursor.key(), "big") + 1
            else:
                high = middle
    return low


def read_positions(txn: ReadTransaction, env: QueueEnvironment) -> dict[str, int]:
    """Return up to which event each consumer has acknowledged them."""
    return {name: cursor.position for name, cursor in _cursors(txn, env).items()}


def newest_sequence(env: QueueEnvironment) -> int:
    with env.read() as txn:
        return last_sequence(txn, env)


def find_cursor(env: QueueEnvironment, consumer: str) -> EventCursor | None:
    """Return how far a consumer is; None: it is not registered."""
    with env.read() as txn:
        known = txn.get(ack_key(consumer), db=env.meta)
    return None if known is None else _decode_cursor(known)


def last_sequence(txn: ReadTransaction, env: QueueEnvironment) -> int:
    cursor = txn.cursor(env.event)
    return int.from_bytes(cursor.key(), "big") if cursor.last() else 0


def _decode_cursor(raw: bytes) -> EventCursor:
    """Of what is in ``meta`` for a consumer: position u64, then the consumer's state."""
    return EventCursor(
        position=int.from_bytes(raw[:_POSITION_OCTETS], "big"), state=raw[_POSITION_OCTETS:]
    )


def _cursors(
    txn: ReadTransaction | WriteTransaction, env: QueueEnvironment
) -> dict[str, EventCursor]:
    found: dict[str, EventCursor] = {}
    cursor = txn.cursor(env.meta)
    more = cursor.set_range(ACK_PREFIX)
    while more and (key := cursor.key()).startswith(ACK_PREFIX):
        found[key[len(ACK_PREFIX) :].decode()] = _decode_cursor(cursor.value())
        more = cursor.next()
    return found


class _Register:
    octets = 64

    def __init__(self, consumer: str) -> None:
        self._key = ack_key(consumer)

    def apply(self, tx: WriteTransaction) -> EventCursor:
        raw = tx.get(tx.env.meta, self._key)
        if raw is None:
            raw = u64(0)
            tx.put(tx.env.meta, self._key, raw)
        return _decode_cursor(raw)


class _Retire:
    octets = 64

    def __init__(self, consumer: str) -> None:
        self._key = ack_key(consumer)

    def apply(self, tx: WriteTransaction) -> None:
        tx.delete(tx.env.meta, self._key)


class Rewind:
    """Operation: have a consumer read again what is behind a position; one that is not there yet, or is not known,
    stays as it is.
    """

    octets = 128

    def __init__(self, consumer: str, position: int) -> None:
        self._key = ack_key(consumer)
        self._position = position

    def apply(self, tx: WriteTransaction) -> None:
        raw = tx.get(tx.env.meta, self._key)
        if raw is not None and self._position < _decode_cursor(raw).position:
            tx.put(tx.env.meta, self._key, u64(self._position) + _decode_cursor(raw).state)


class Acknowledge:
    """Operation; returns whether it says something new: also to the ledger, which writes along with it."""

    def __init__(
        self,
        consumer: str,
        position: int,
        state: bytes | None,
        events: Sequence[CataloguedKind] = (),
    ) -> None:
        self._key = ack_key(consumer)
        self._position = position
        self._state = state
        self._events = [encode_event(each) for each in events]
        self.octets = 64 + len(state or b"") + sum(map(len, self._events))

    def apply(self, tx: WriteTransaction) -> bool:
        raw = tx.get(tx.env.meta, self._key)
        if raw is None:  # it has retired
            return False
        before = _decode_cursor(raw)
        if self._position >= before.position:  # an old acknowledgement takes no newer one back
            state = before.state if self._state is None else self._state
            tx.put(tx.env.meta, self._key, u64(self._position) + state)
        if self._position <= before.position:
            return False
        for event in self._events:
            tx.append_event(event)  # EL2
        return True


class AppendEvents:
    """Operation: events of nothing else that is on disk."""

    def __init__(self, events: Sequence[CataloguedKind]) -> None:
        self._events = [encode_event(each) for each in events]
        self.octets = sum(map(len, self._events))

    def apply(self, tx: WriteTransaction) -> None:
        for event in self._events:
            tx.append_event(event)


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
            if sequence > read or not (beyond or readable_head(cursor.value()).at < self._before):
                break  # EL1
            tx.wrote = True
            more = cursor.delete()  # and steps to the next one
            count += 1
        return count

    def _read_by_all(self, tx: WriteTransaction) -> int:
        return min((each.position for each in _cursors(tx, tx.env).values()), default=0)

"""Reading the queue for an operator: pages of entries, in short read transactions."""

from collections.abc import Iterator
from typing import Final

from angarium.queue.entry import CompiledFilter, EntryPage, QueueEntry
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.handles import ReadTransaction
from angarium.queue.lmdb.keys import claim_key, delivery_key, parse_delivery_key
from angarium.queue.lmdb.records import (
    HELD,
    MessageRecord,
    RecordError,
    decode_delivery,
    decode_message,
    delivery_due,
)
from angarium.queue.lmdb.steps import Steps
from angarium.queue.model import UnixMs

# Recipients looked at in one read transaction. Some 2 ms: the event loop waits for it, and a long one bloats the file
READ_LIMIT: Final = 250
# Named in one page
DAMAGED_LIMIT: Final = 100

Found = list[tuple[bytes, QueueEntry]]  # with their delivery keys


class EntryReader:
    """Scans recipients in the order of their keys, from a key on."""

    def __init__(self, env: QueueEnvironment) -> None:
        self._env = env
        self._damaged: list[bytes] = []  # keys, of the page that is read

    def page(self, wanted: CompiledFilter, after: bytes | None, limit: int) -> Steps[EntryPage]:
        """Return up to ``limit`` matching entries behind the cursor ``after``."""
        found: Found = []
        self._damaged = []
        for matching in self.scan(wanted, after):
            found += matching
            if len(found) > limit:
                break
            yield None
        page = found[: max(limit, 0)]
        cursor = page[-1][0] if len(found) > len(page) > 0 else None
        damaged = tuple(parse_delivery_key(key) for key in self._damaged)
        return EntryPage(tuple(entry for _, entry in page), cursor, damaged)

    def scan(self, wanted: CompiledFilter, after: bytes | None = None) -> Iterator[Found]:
        """Yield the matching entries of each READ_LIMIT that were looked at, often none.

        No read transaction is open while it yields.
        """
        if wanted.has_ids or wanted.states == {"in_flight"}:
            keys = self._keys_by_id(wanted) if wanted.has_ids else self._claimed_keys()
            keys = [key for key in keys if after is None or key > after]
            for start in range(0, len(keys), READ_LIMIT):
                yield self._matching(wanted, keys[start : start + READ_LIMIT])
            return
        start_key: bytes | None = b"" if after is None else after + b"\0"
        while start_key is not None:
            matching, start_key = self._read_on(wanted, start_key)
            yield matching

    def entries_of(self, message_id: bytes) -> list[QueueEntry]:
        """Return all of a message's recipients that are in the queue."""
        with self._env.read() as txn:
            keys = self._keys_of(txn, message_id)
            reader = _Reading(self._env, txn)
            return [entry for key in keys if (entry := reader.find_entry(key)) is not None]

    def _read_on(self, wanted: CompiledFilter, start_key: bytes) -> tuple[Found, bytes | None]:
        read: Found = []
        next_key: bytes | None = None
        with self._env.read() as txn:
            reader = _Reading(self._env, txn)
            cursor = txn.cursor(self._env.delivery)
            if cursor.set_range(start_key):
                for looked, (key, raw) in enumerate(cursor.iternext(), 1):
                    if wanted.may_match(raw) and (entry := reader.find_readable(key, raw)):
                        read.append((key, entry))
                    if looked == READ_LIMIT:
                        next_key = key + b"\0"
                        break
        self._damaged += reader.damaged[: DAMAGED_LIMIT - len(self._damaged)]
        return [(key, entry) for key, entry in read if wanted.matches(entry)], next_key

    def _matching(self, wanted: CompiledFilter, keys: list[bytes]) -> Found:
        with self._env.read() as txn:
            reader = _Reading(self._env, txn)
            found = [(key, reader.find_entry(key)) for key in keys]
        return [(key, each) for key, each in found if each is not None and wanted.matches(each)]

    def _keys_by_id(self, wanted: CompiledFilter) -> list[bytes]:
        keys = {delivery_key(each) for each in wanted.deliveries}
        with self._env.read() as txn:
            for message_id in wanted.messages:
                keys.update(self._keys_of(txn, message_id))
        return sorted(keys)

    def _keys_of(self, txn: ReadTransaction, message_id: bytes) -> list[bytes]:
        keys = []
        cursor = txn.cursor(self._env.delivery)
        more = cursor.set_range(message_id)
        while more and (key := cursor.key())[:16] == message_id:
            keys.append(key)
            more = cursor.next()
        return keys

    def _claimed_keys(self) -> list[bytes]:
        """Return what is in flight: bounded by the servers' connections, so it fits in memory."""
        with self._env.read() as txn:
            return sorted(key[2:] for key, _ in txn.cursor(self._env.claim).iternext())


class _Reading:
    """One read transaction; keeps the last message, as recipients of one follow each other."""

    def __init__(self, env: QueueEnvironment, txn: ReadTransaction) -> None:
        self._env = env
        self._txn = txn
        self.damaged: list[bytes] = []  # keys
        self._message_id = b""
        self._message: MessageRecord | None = None

    def find_entry(self, key: bytes) -> QueueEntry | None:
        raw = self._txn.get(key, db=self._env.delivery)
        return None if raw is None else self.find_readable(key, raw)

    def find_readable(self, key: bytes, raw: bytes) -> QueueEntry | None:
        """None: it cannot be read; see ``damaged``."""
        try:
            return self._entry(key, raw)
        except RecordError:
            self.damaged.append(key)
            return None

    def _entry(self, key: bytes, raw: bytes) -> QueueEntry:
        record = decode_delivery(raw)
        message = self._read_message(key[:16])
        claim = self._txn.get(claim_key(record.partition, key), db=self._env.claim)
        return QueueEntry(
            id=parse_delivery_key(key),
            state="in_flight" if claim else "held" if record.state == HELD else "scheduled",
            partition=record.partition,
            tenant=message.tenant,
            stream=message.stream,
            campaign=message.campaign,
            topic=message.topic,
            sender=message.reverse_path,
            recipient=record.forward_path,
            domain=record.domain,
            accepted=UnixMs(message.accepted),
            expires=UnixMs(message.expires),
            due=delivery_due(raw),
            attempts=record.attempts,
            in_doubt=record.in_doubt,
            last=record.last,
            rule=record.rule,
            via=record.via,
            size_octets=message.size_octets,
            not_before=UnixMs(message.not_before),
            if_missed=message.if_missed,
        )

    def _read_message(self, message_id: bytes) -> MessageRecord:
        if self._message is None or message_id != self._message_id:
            raw = self._txn.get(message_id, db=self._env.message)
            self._message = decode_message(raw or b"")  # RecordError if it is missing
            self._message_id = message_id
        return self._message

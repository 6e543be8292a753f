"""How much is in the queue, from LMDB's own counters: the cost does not grow with the queue."""

from typing import Final

from angarium.queue.lmdb.file.environment import MAX_READERS, QueueEnvironment
from angarium.queue.lmdb.file.handles import Cursor, Database, ReadTransaction
from angarium.queue.lmdb.records import message_start
from angarium.queue.message_id import message_id_ms
from angarium.queue.model import MessageId, UnixMs
from angarium.queue.summary import QueueSummary

# Ours, of the oldest messages: where they all have starts, none behind them is looked at
LOOKED_AT: Final = 500


def read_summary(env: QueueEnvironment) -> QueueSummary:
    with env.read() as txn:
        recipients = _entries(txn, env.delivery)
        scheduled = _entries(txn, env.due)
        in_flight = _entries(txn, env.claim)
        messages, events = _entries(txn, env.message), _entries(txn, env.event)
        used = env.used_octets(txn)
        file_octets = env.file_octets()
        oldest_at = _oldest_start(txn.cursor(env.message))
    return QueueSummary(
        messages=messages,
        scheduled=scheduled,
        in_flight=in_flight,
        held=recipients - scheduled - in_flight,  # each recipient is in exactly one state
        events=events,
        file_octets=file_octets,
        map_octets=env.map_octets(),
        used_octets=min(used, file_octets),
        free_disk_octets=env.space.free_octets(),
        readers=env.readers(),
        reader_limit=MAX_READERS,
        low_disk=not env.space.has_room(),
        oldest_at=oldest_at,
    )


def _oldest_start(messages: Cursor) -> UnixMs | None:
    """Messages are in the order of their arrival: behind the first one whose start was not put off none is older."""
    found: list[UnixMs] = []
    if messages.first():
        for key, raw in messages.iternext():
            arrived = message_id_ms(MessageId(key))
            start = max(arrived, message_start(raw))
            found.append(start)
            if start == arrived or len(found) == LOOKED_AT:
                break
    return min(found, default=None)


def _entries(txn: ReadTransaction, db: Database) -> int:
    return int(txn.stat(db)["entries"])

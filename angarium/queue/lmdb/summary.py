"""How much is in the queue, from LMDB's own counters: the cost does not grow with the queue."""

from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.handles import Database, ReadTransaction
from angarium.queue.message_id import message_id_ms
from angarium.queue.model import MessageId
from angarium.queue.summary import QueueSummary


def read_summary(env: QueueEnvironment) -> QueueSummary:
    with env.read() as txn:
        recipients = _entries(txn, env.delivery)
        scheduled = _entries(txn, env.due)
        in_flight = _entries(txn, env.claim)
        messages, events = _entries(txn, env.message), _entries(txn, env.event)
        used = env.used_octets(txn)
        file_octets = env.file_octets()
        oldest = txn.cursor(env.message)
        oldest_at = message_id_ms(MessageId(oldest.key())) if oldest.first() else None
    return QueueSummary(
        messages=messages,
        scheduled=scheduled,
        in_flight=in_flight,
        held=recipients - scheduled - in_flight,  # each recipient is in exactly one state
        events=events,
        file_octets=file_octets,
        used_octets=min(used, file_octets),
        free_disk_octets=env.space.free_octets(),
        low_disk=not env.space.has_room(),
        oldest_at=oldest_at,
    )


def _entries(txn: ReadTransaction, db: Database) -> int:
    return int(txn.stat(db)["entries"])

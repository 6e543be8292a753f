"""How much is in the queue, from LMDB's own counters: the cost does not grow with the queue."""

import msgspec

from angarium.queue.environment import QueueEnvironment
from angarium.queue.handles import Database, ReadTransaction


class QueueSummary(msgspec.Struct, frozen=True, kw_only=True):
    messages: int
    scheduled: int  # recipients
    in_flight: int
    held: int
    events: int
    file_octets: int
    used_octets: int  # of the file; the rest is free for reuse, and given back by compaction
    free_disk_octets: int
    low_disk: bool  # new mail is being refused

    @property
    def recipients(self) -> int:
        return self.scheduled + self.in_flight + self.held


def read_summary(env: QueueEnvironment) -> QueueSummary:
    with env.read() as txn:
        recipients = _entries(txn, env.delivery)
        scheduled = _entries(txn, env.due)
        in_flight = _entries(txn, env.claim)
        messages, events = _entries(txn, env.message), _entries(txn, env.event)
        used = env.used_octets(txn)
        file_octets = env.file_octets()
    return QueueSummary(
        messages=messages,
        scheduled=scheduled,
        in_flight=in_flight,
        held=recipients - scheduled - in_flight,  # each recipient is in exactly one state
        events=events,
        file_octets=file_octets,
        used_octets=min(used, file_octets),
        free_disk_octets=env.space.free_octets(),
        low_disk=env.space.is_low(),
    )


def _entries(txn: ReadTransaction, db: Database) -> int:
    return int(txn.stat(db)["entries"])

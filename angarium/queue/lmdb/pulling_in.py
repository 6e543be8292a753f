"""Due times that lie further ahead than they may, as a clock leaves them that was wrong: found, and made earlier."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.keys import parse_due_key, partition_prefix
from angarium.queue.lmdb.records import (
    RecordError,
    decode_delivery,
    encode_delivery,
    is_untried,
    message_start,
)
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.message_id import message_id_ms
from angarium.queue.spool import LatestDue

# Recipients read at once: a few milliseconds
PAGE: Final = 500
# Ours, between two pages: a large queue is looked through beside delivery, which notices nothing of it
PAUSE_S: Final = 0.02


class Earlier(NamedTuple):
    old: bytes  # the due key
    due: int  # instead


def find_too_late(
    env: QueueEnvironment, partition: int, place: bytes, latest: LatestDue
) -> tuple[list[Earlier], bytes | None]:
    """Read a page of what is due at ``place`` (a position) or behind it; returns the next one, None at the end."""
    prefix = partition_prefix(partition)
    found: list[Earlier] = []
    with env.read() as txn:
        cursor = txn.cursor(env.due)
        if not cursor.set_range(prefix + place):
            return found, None
        for count, (key, _) in enumerate(cursor.iternext()):
            if not key.startswith(prefix):
                return found, None
            if count == PAGE:
                return found, key[2:]
            _, due, delivery = parse_due_key(key)
            raw = txn.get(key[10:], db=env.delivery)
            if raw is None:  # or it is damaged: whoever claims it finds that out
                continue
            try:
                record = decode_delivery(raw)
            except RecordError:
                continue
            may_be = latest(
                message_id_ms(delivery.message_id), record.attempts, record.last is not None
            )
            if due > may_be and is_untried(record):  # unless its start is put off until then
                message = txn.get(key[10:26], db=env.message)
                may_be = max(may_be, message_start(message))
            if due > may_be:
                found.append(Earlier(key, may_be))
    return found, None


class PullIn:
    """Operation: make recipients due earlier; returns how many. Who was changed meanwhile is left alone."""

    def __init__(self, partition: int, epoch: int, earlier: Sequence[Earlier]) -> None:
        self._partition = partition
        self._epoch = epoch
        self._earlier = earlier
        self.octets = len(earlier) * 800

    def apply(self, tx: WriteTransaction) -> int:
        tx.check_epoch(self._partition, self._epoch)
        count = 0
        for old, due in self._earlier:
            hint, raw = tx.get(tx.env.due, old), tx.get(tx.env.delivery, old[10:])
            if hint is None or raw is None:
                continue
            tx.delete(tx.env.due, old)
            record = encode_delivery(decode_delivery(raw))
            tx.schedule(self._partition, due, old[10:], record, hint)
            count += 1
        return count

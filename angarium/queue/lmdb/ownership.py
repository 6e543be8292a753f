"""Whose a partition is, and what becomes of an earlier owner's claims."""

from typing import Final

from angarium.queue.lmdb.keys import claimed_source, claimer, owner_key, partition_prefix
from angarium.queue.lmdb.recipient_events import in_doubt_event
from angarium.queue.lmdb.records import (
    OwnerRecord,
    RecordError,
    changed,
    decode_delivery,
    decode_message,
    decode_owner,
    due_hint,
    encode,
    encode_delivery,
)
from angarium.queue.lmdb.setting_aside import set_aside
from angarium.queue.lmdb.transaction import WriteTransaction

# Claims of one transaction
REPLAY_LIMIT: Final = 256


class Own:
    """Operation: become the owner; returns the new epoch."""

    octets = 64

    def __init__(self, partition: int, node: str) -> None:
        self._partition = partition
        self._node = node

    def apply(self, tx: WriteTransaction) -> int:
        key = owner_key(self._partition)
        epoch = decode_owner(tx.get(tx.env.meta, key)).epoch + 1
        tx.put(tx.env.meta, key, encode(OwnerRecord(epoch, self._node)))
        tx.set_epoch(self._partition, epoch)
        return epoch


class Disown:
    """Operation: say that the partition has no owner; the epoch stays, and the next owner moves it on."""

    octets = 64

    def __init__(self, partition: int, epoch: int) -> None:
        self._partition = partition
        self._epoch = epoch

    def apply(self, tx: WriteTransaction) -> None:
        tx.check_epoch(self._partition, self._epoch)
        tx.put(tx.env.meta, owner_key(self._partition), encode(OwnerRecord(self._epoch, "")))


class Replay:
    """Operation: put claims of earlier epochs back as due now, in doubt; returns how many, at most REPLAY_LIMIT."""

    octets = REPLAY_LIMIT * 1000

    def __init__(self, partition: int, epoch: int) -> None:
        self._partition = partition
        self._epoch = epoch

    def apply(self, tx: WriteTransaction) -> int:
        tx.check_epoch(self._partition, self._epoch)
        claims = self._earlier_claims(tx)
        for key, source in claims:
            tx.delete(tx.env.claim, key)
            self._put_back(tx, key[2:], source)
        return len(claims)

    def _earlier_claims(self, tx: WriteTransaction) -> list[tuple[bytes, str]]:
        """Return keys, each with the egress source that it was to leave by."""
        prefix = partition_prefix(self._partition)
        found: list[tuple[bytes, str]] = []
        cursor = tx.cursor(tx.env.claim)
        more = cursor.set_range(prefix)
        while more and len(found) < REPLAY_LIMIT and (key := cursor.key())[:2] == prefix:
            value = cursor.value()
            if (claimer(value) or 0) < self._epoch:
                found.append((key, claimed_source(value)))
            more = cursor.next()
        return found

    def _put_back(self, tx: WriteTransaction, key: bytes, source: str) -> None:
        raw, message_raw = tx.get(tx.env.delivery, key), tx.get(tx.env.message, key[:16])
        try:
            before, message = decode_delivery(raw or b""), decode_message(message_raw or b"")
        except RecordError as error:
            set_aside(tx, key, str(error))
            return
        record = changed(
            before,
            attempts=before.attempts + 1,
            in_doubt=before.in_doubt + 1,
            free_of=0,
            source=source or None,
        )
        hint = due_hint(message, record)
        tx.schedule(self._partition, tx.now, key, encode_delivery(record), hint)
        tx.append_event(in_doubt_event(key, message, record, tx.now))

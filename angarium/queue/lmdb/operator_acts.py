"""What an operator does to recipients: operations on bounded lots of them, each checked anew in its transaction."""

from collections.abc import Sequence
from typing import Final

from angarium.queue.act import Act, applies
from angarium.queue.lmdb import event_records
from angarium.queue.lmdb.keys import claim_key, due_key
from angarium.queue.lmdb.records import (
    HELD,
    SCHEDULED,
    DeliveryRecord,
    MessageRecord,
    changed,
    decode_delivery,
    decode_message,
    delivery_due,
    encode_delivery,
    routing_hint,
    stamp_due,
)
from angarium.queue.lmdb.transaction import WriteTransaction

_KINDS: Final = {
    "hold": event_records.HELD,
    "release": event_records.RELEASED,
    "retry": event_records.RETRIED,
    "cancel": event_records.CANCELLED,
}


class ActOn:
    """Operation: do ``act`` to those of the recipients that it still applies to; returns their keys."""

    def __init__(self, act: Act, keys: Sequence[bytes]) -> None:
        self._act: Act = act
        self._keys = keys
        self.octets = len(keys) * 800

    def apply(self, tx: WriteTransaction) -> list[bytes]:
        return [key for key in self._keys if self._do(tx, key)]

    def _do(self, tx: WriteTransaction, key: bytes) -> bool:
        raw, message_raw = tx.get(tx.env.delivery, key), tx.get(tx.env.message, key[:16])
        if raw is None or message_raw is None:
            return False
        record, due = decode_delivery(raw), delivery_due(raw)
        in_flight = tx.get(tx.env.claim, claim_key(record.partition, key)) is not None
        if in_flight or not applies(self._act, record.state == HELD):
            return False
        message = decode_message(message_raw)
        if record.state == SCHEDULED:
            tx.delete(tx.env.due, due_key(record.partition, due, key))
        self._write(tx, key, message, record, due)
        tx.append_event(
            event_records.recipient_event(_KINDS[self._act], tx.now, key, message, record)
        )
        return True

    def _write(
        self,
        tx: WriteTransaction,
        key: bytes,
        message: MessageRecord,
        record: DeliveryRecord,
        due: int,
    ) -> None:
        if self._act == "cancel":
            tx.delete(tx.env.delivery, key)
            if not tx.has_delivery(key[:16]):
                tx.delete_message(key[:16])
        elif self._act == "hold":
            held = encode_delivery(changed(record, state=HELD))
            tx.put(tx.env.delivery, key, stamp_due(due, held))
        else:
            when = tx.now if self._act == "retry" else due
            hint = routing_hint(message.tenant, record.domain, message.size_octets)
            scheduled = encode_delivery(changed(record, state=SCHEDULED))
            tx.schedule(record.partition, when, key, scheduled, hint)

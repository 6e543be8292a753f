"""Giving a message another start: all of its recipients, or none, in one transaction."""

import msgspec

from angarium.queue.act import Actor
from angarium.queue.events.catalogue import encode_event
from angarium.queue.events.rescheduled import Rescheduled
from angarium.queue.lateness import start_of
from angarium.queue.lmdb.keys import claim_key, due_key
from angarium.queue.lmdb.records import (
    SCHEDULED,
    DeliveryRecord,
    MessageRecord,
    RecordError,
    decode_delivery,
    decode_message,
    delivery_due,
    due_hint,
    encode_delivery,
    encode_message,
    stamp_due,
)
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import MessageId, UnixMs
from angarium.queue.reschedule import (
    AfterExpiry,
    AlreadyLeaving,
    NotInQueue,
    RescheduleOutcome,
    StartMoved,
    check_start,
    expires_after,
)


class _Waiting(msgspec.Struct, frozen=True):
    key: bytes
    record: DeliveryRecord
    due: int


class Reschedule:
    """Operation: returns a RescheduleOutcome."""

    octets = 100_000

    def __init__(self, message_id: MessageId, due: UnixMs, by: Actor, tenant: str | None) -> None:
        """``tenant``: whose it must be; None: anybody's. Raises ValueError."""
        check_start(due)
        self._message_id = message_id
        self._due = due
        self._by = by
        self._tenant = tenant

    def apply(self, tx: WriteTransaction) -> RescheduleOutcome:
        try:
            message = decode_message(tx.get(tx.env.message, self._message_id) or b"")
            waiting = self._waiting(tx)
        except RecordError:
            return NotInQueue()  # or it is set aside by whoever comes to try it
        if not waiting or self._tenant not in (None, message.tenant):
            return NotInQueue()
        if _is_leaving(tx, message, waiting):
            return AlreadyLeaving()
        due = UnixMs(max(self._due, tx.now, message.quota_opens))
        expires = expires_after(
            expires=UnixMs(message.expires),
            is_given=message.expires_is_given,
            start=start_of(message.accepted, message.not_before),
            due=due,
        )
        if isinstance(expires, AfterExpiry):
            return expires
        moved = msgspec.structs.replace(message, not_before=due, expires=expires)
        tx.put(tx.env.message, self._message_id, encode_message(moved))
        for each in waiting:
            self._move(tx, moved, each, due)
        return StartMoved(due=due, expires=expires, recipients=len(waiting))

    def _waiting(self, tx: WriteTransaction) -> list[_Waiting]:
        """Raises RecordError."""
        found = []
        cursor = tx.cursor(tx.env.delivery)
        more = cursor.set_range(self._message_id)
        while more and (key := cursor.key())[:16] == self._message_id:
            raw = cursor.value()
            found.append(_Waiting(key, decode_delivery(raw), delivery_due(raw)))
            more = cursor.next()
        return found

    def _move(self, tx: WriteTransaction, message: MessageRecord, each: _Waiting, due: int) -> None:
        record = each.record
        if record.state == SCHEDULED:
            tx.delete(tx.env.due, due_key(record.partition, each.due, each.key))
            hint = due_hint(message, record)
            tx.schedule(record.partition, due, each.key, encode_delivery(record), hint)
        else:
            tx.put(tx.env.delivery, each.key, stamp_due(due, encode_delivery(record)))
        event = Rescheduled(
            at=tx.now,
            message_id=self._message_id,
            tenant=message.tenant,
            stream=message.stream,
            index=int.from_bytes(each.key[16:18], "big"),
            recipient=record.forward_path,
            reverse_path=message.reverse_path,
            actor=self._by.who,
            reason=self._by.reason,
            due=UnixMs(due),
            expires=UnixMs(message.expires),
        )
        tx.append_event(encode_event(event))


def _is_leaving(tx: WriteTransaction, message: MessageRecord, waiting: list[_Waiting]) -> bool:
    """Whether any of its recipients had an attempt. Before its start none has: who is gone then was not sent to."""
    if len(waiting) < message.recipients and message.not_before <= tx.now:
        return True
    return any(
        each.record.attempts
        or tx.get(tx.env.claim, claim_key(each.record.partition, each.key)) is not None
        for each in waiting
    )

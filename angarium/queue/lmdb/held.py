"""Into the held state and out of it, within a transaction: by an act of an operator or by a hold rule."""

from angarium.queue.act import Actor
from angarium.queue.lmdb.keys import rule_held_key
from angarium.queue.lmdb.recipient_events import act_event
from angarium.queue.lmdb.records import (
    HELD,
    SCHEDULED,
    DeliveryRecord,
    MessageRecord,
    changed,
    due_hint,
    encode_delivery,
    stamp_due,
)
from angarium.queue.lmdb.transaction import WriteTransaction


def write_held(
    tx: WriteTransaction,
    key: bytes,
    due: int,
    message: MessageRecord,
    record: DeliveryRecord,
    by: Actor,
    rule: int,
) -> None:
    """Hold a recipient whose due key is gone. ``rule`` 0: by an act."""
    held = encode_delivery(changed(record, state=HELD, rule=rule))
    tx.put(tx.env.delivery, key, stamp_due(due, held))
    if rule:
        tx.put(tx.env.rule_held, rule_held_key(rule, key), b"")
    tx.append_event(act_event("hold", key, message, record, tx.now, by, rule))


def write_released(
    tx: WriteTransaction,
    key: bytes,
    due: int,
    message: MessageRecord,
    record: DeliveryRecord,
    by: Actor,
    free_of: int,
) -> None:
    """Schedule a held recipient again. ``free_of``: rules up to this one let its next attempt pass."""
    forget_rule(tx, key, record)
    scheduled = encode_delivery(changed(record, state=SCHEDULED, free_of=free_of))
    tx.schedule(record.partition, due, key, scheduled, due_hint(message, record))
    tx.append_event(act_event("release", key, message, record, tx.now, by, record.rule))


def forget_rule(tx: WriteTransaction, key: bytes, record: DeliveryRecord) -> None:
    """Take a recipient off the list of what its rule holds, if one holds it."""
    if record.rule:
        tx.delete(tx.env.rule_held, rule_held_key(record.rule, key))

"""What is too late for a first attempt: skipped or held in the claim's transaction, as its sender wanted."""

from angarium.queue.act import POLICY, Actor
from angarium.queue.events.catalogue import encode_event
from angarium.queue.events.skipped import Skipped
from angarium.queue.lateness import find_lateness
from angarium.queue.lmdb.held import write_held
from angarium.queue.lmdb.records import DeliveryRecord, MessageRecord
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import MessageId


def write_if_late(
    tx: WriteTransaction, key: bytes, due: int, message: MessageRecord, record: DeliveryRecord
) -> bool:
    """Skip or hold a recipient that had no attempt, whose due key is gone; False, and nothing written: try it."""
    late = find_lateness(
        if_missed=message.if_missed,
        due=due,
        given_end=message.expires if message.expires_is_given else None,
        now=tx.now,
        grace_ms=tx.env.missed_after_ms,
    )
    if late is None:
        return False
    if late.act == "hold":
        write_held(tx, key, due, message, record, Actor(who=POLICY, reason=late.reason), 0)
        return True
    tx.delete(tx.env.delivery, key)
    if not tx.has_delivery(key[:16]):
        tx.delete_message(key[:16])
    tx.append_event(
        encode_event(
            Skipped(
                at=tx.now,
                message_id=MessageId(key[:16]),
                tenant=message.tenant,
                stream=message.stream,
                index=int.from_bytes(key[16:18], "big"),
                recipient=record.forward_path,
                reverse_path=message.reverse_path,
                in_doubt=record.in_doubt,
                reason=late.reason,
                campaign=message.campaign,
            )
        )
    )
    return True

"""Recording that attempts begin, and reading what they need."""

from collections.abc import Callable, Sequence

import msgspec

from angarium.queue.lmdb.environment import QueueEnvironment
from angarium.queue.lmdb.handles import Database, ReadTransaction
from angarium.queue.lmdb.keys import claim_key, delivery_key, due_key, parse_delivery_key, u64
from angarium.queue.lmdb.records import (
    DeliveryRecord,
    MessageRecord,
    RecordError,
    attempt_of,
    decode_delivery,
    decode_message,
    envelope_of,
    origin_of,
)
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import (
    Claimed,
    ClaimedMessage,
    DueHead,
    MessageId,
    PartitionNumber,
    UnixMs,
)


class Holding(msgspec.Struct, frozen=True):
    """What an owner remembers of a recipient that it has claimed. Nobody else may change these records meanwhile."""

    message: MessageRecord
    delivery: DeliveryRecord


class Claim:
    """Operation: due keys become claim keys; returns the delivery keys that were still due, in order.

    ``abandoned`` gives them back when the claimer is gone.
    """

    __slots__ = ("_epoch", "_heads", "_partition", "abandoned", "octets")

    def __init__(
        self,
        partition: int,
        epoch: int,
        heads: Sequence[DueHead],
        abandoned: Callable[[list[bytes]], None],
    ) -> None:
        self.abandoned = abandoned
        self._partition = partition
        self._epoch = u64(epoch)
        self._heads: list[tuple[bytes, bytes, bytes]] = []
        for head in heads:
            key = delivery_key(head.id)
            self._heads.append((due_key(partition, head.due, key), claim_key(partition, key), key))
        self.octets = len(heads) * 200

    def apply(self, tx: WriteTransaction) -> list[bytes]:
        tx.check_epoch(self._partition, int.from_bytes(self._epoch, "big"))
        taken = []
        due, claim = tx.env.due, tx.env.claim
        for when, key, delivery in self._heads:
            if tx.delete(due, when):
                tx.put(claim, key, self._epoch)
                taken.append(delivery)
        return taken


def read_claimed(
    env: QueueEnvironment, partition: PartitionNumber, keys: Sequence[bytes]
) -> tuple[list[ClaimedMessage], dict[bytes, Holding]]:
    """Read what claimed recipients need, grouped by message in order of the first recipient of each."""
    by_message: dict[bytes, list[bytes]] = {}
    for key in keys:
        by_message.setdefault(key[:16], []).append(key)
    messages: list[ClaimedMessage] = []
    holdings: dict[bytes, Holding] = {}
    with env.read() as txn:
        for message_id, own in by_message.items():
            record = decode_message(_need(txn, env.message, message_id))
            content = _need(txn, env.body, message_id)
            claimed = []
            for key in own:
                delivery = decode_delivery(_need(txn, env.delivery, key))
                holdings[key] = Holding(record, delivery)
                claimed.append(_claimed(key, partition, delivery))
            messages.append(_message(message_id, record, content, tuple(claimed)))
    return messages, holdings


def _need(txn: ReadTransaction, db: Database, key: bytes) -> bytes:
    raw = txn.get(key, db=db)
    if raw is None:
        raise RecordError(f"the queue has no record {key.hex()} of a claimed recipient")
    return raw


def _claimed(key: bytes, partition: PartitionNumber, delivery: DeliveryRecord) -> Claimed:
    return Claimed(
        id=parse_delivery_key(key),
        partition=partition,
        forward_path=delivery.forward_path,
        domain=delivery.domain,
        notify=delivery.notify,
        orcpt=delivery.orcpt,
        attempts=delivery.attempts,
        in_doubt=delivery.in_doubt,
        delay_dsn_sent=delivery.delay_dsn_sent,
        last=None if delivery.last is None else attempt_of(delivery.last),
    )


def _message(
    message_id: bytes, record: MessageRecord, content: bytes, recipients: tuple[Claimed, ...]
) -> ClaimedMessage:
    return ClaimedMessage(
        message_id=MessageId(message_id),
        tenant=record.tenant,
        stream=record.stream,
        envelope=envelope_of(record),
        content=content,
        header_octets=record.header_octets,
        has_dot_lines=record.has_dot_lines,
        header_from=record.header_from,
        message_id_header=record.message_id_header,
        accepted=UnixMs(record.accepted),
        expires=UnixMs(record.expires),
        origin=origin_of(record),
        recipients=recipients,
    )

"""Returning mail to its sender on an operator's word: the outcome, its event and the DSN in one transaction."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import msgspec

from angarium.queue.act import Actor, Notify, bounce_attempt
from angarium.queue.entry import AffectedRecipient
from angarium.queue.lmdb.accepting import PreparedSubmission, prepare_submission, write_submission
from angarium.queue.lmdb.claiming import claimed_message
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.held import forget_rule
from angarium.queue.lmdb.keys import claim_key, delivery_key, due_key, parse_delivery_key
from angarium.queue.lmdb.recipient_events import bounced_event
from angarium.queue.lmdb.records import (
    SCHEDULED,
    MessageRecord,
    RecordError,
    decode_delivery,
    decode_message,
    delivery_due,
)
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import Attempt, UnixMs

# Octets of content in memory at once: of the messages, and of the DSNs that return them
LOT_OCTETS: Final = 8 << 20


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """Some recipients of one message, as they were read, and what their sender is told."""

    message: MessageRecord
    deliveries: tuple[tuple[bytes, bytes], ...]  # key, record
    attempt: Attempt
    notice: PreparedSubmission | None  # None: nobody is to be told

    @property
    def octets(self) -> int:
        return self.message.size_octets + (self.notice.octets if self.notice else 0)


class Bounce:
    """Operation: each message's recipients leave the queue together with their notice; returns those that did.

    A message one of whose recipients was changed since it was read stays as it is: its notice would not be true.
    """

    def __init__(self, lot: Sequence[Returned], by: Actor) -> None:
        self._lot = lot
        self._by = by
        self.octets = sum(each.octets + len(each.deliveries) * 800 for each in lot)

    def apply(self, tx: WriteTransaction) -> list[AffectedRecipient]:
        return [each for returned in self._lot for each in self._return(tx, returned)]

    def _return(self, tx: WriteTransaction, returned: Returned) -> Iterator[AffectedRecipient]:
        if not all(self._is_as_read(tx, key, raw) for key, raw in returned.deliveries):
            return
        for key, raw in returned.deliveries:
            record = decode_delivery(raw)
            if record.state == SCHEDULED:
                tx.delete(tx.env.due, due_key(record.partition, delivery_due(raw), key))
            forget_rule(tx, key, record)
            tx.delete(tx.env.delivery, key)
            event = bounced_event(key, returned.message, record, returned.attempt, tx.now, self._by)
            tx.append_event(event)
            yield AffectedRecipient(id=parse_delivery_key(key), recipient=record.forward_path)
        message_id = returned.deliveries[0][0][:16]
        if not tx.has_delivery(message_id):
            tx.delete_message(message_id)
        if returned.notice is not None:
            write_submission(tx, returned.notice)

    def _is_as_read(self, tx: WriteTransaction, key: bytes, raw: bytes) -> bool:
        partition = decode_delivery(raw).partition
        is_in_flight = tx.get(tx.env.claim, claim_key(partition, key)) is not None
        return not is_in_flight and tx.get(tx.env.delivery, key) == raw


def read_returned(
    env: QueueEnvironment,
    recipients: Sequence[AffectedRecipient],
    by: Actor,
    notify: Notify,
    now: UnixMs,
) -> Iterator[Returned]:
    """Yield the messages of these recipients, in their order; what has left the queue since is left out."""
    attempt = bounce_attempt(by, now)
    for message_id, own in groupby(recipients, key=lambda each: each.id.message_id):
        with env.read() as txn:
            raw_message = txn.get(message_id, db=env.message)
            content = txn.get(message_id, db=env.body)
            keys = [delivery_key(each.id) for each in own]
            found = [(key, txn.get(key, db=env.delivery)) for key in keys]
        deliveries = tuple((key, raw) for key, raw in found if raw is not None)
        if raw_message is None or content is None or not deliveries:
            continue
        try:
            record = decode_message(raw_message)
            records = [(key, decode_delivery(raw)) for key, raw in deliveries]
        except RecordError:
            continue  # it is set aside by whoever comes to try it
        notice = notify(claimed_message(message_id, record, content, records), attempt)
        yield Returned(
            message=record,
            deliveries=deliveries,
            attempt=attempt,
            notice=None if notice is None else prepare_submission(notice, env.partitions),
        )

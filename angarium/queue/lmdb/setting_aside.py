"""What the disk damaged leaves the way of the rest: named in an event, kept as it is, and not tried again (L2).

A recipient that is set aside is in ``damaged`` instead of ``delivery``, with neither due key nor claim. Its message and
content stay.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.queue.events.catalogue import encode_event
from angarium.queue.events.damaged import Damaged
from angarium.queue.lmdb.held import forget_rule
from angarium.queue.lmdb.keys import claim_key, claimer, delivery_key, parse_due_key
from angarium.queue.lmdb.records import (
    DamagedRecord,
    DeliveryRecord,
    MessageRecord,
    RecordError,
    decode_delivery,
    decode_hint,
    decode_message,
    due_hint,
    encode,
    encode_delivery,
    hinted_octets,
)
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import MessageId

# Due keys mended in one transaction
MEND_LIMIT: Final = 200


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient that cannot be tried."""

    key: bytes
    reason: str


class SetAside(msgspec.Struct, frozen=True, kw_only=True):
    """Operation: claimed recipients are set aside; those that are not claimed any more are left alone."""

    partition: int
    epoch: int
    suspects: Sequence[Suspect]

    @property
    def octets(self) -> int:
        return len(self.suspects) * 800

    def apply(self, tx: WriteTransaction) -> None:
        tx.check_epoch(self.partition, self.epoch)
        for suspect in self.suspects:
            claim = claim_key(self.partition, suspect.key)
            if claimer(tx.get(tx.env.claim, claim)) == self.epoch:
                tx.delete(tx.env.claim, claim)
                set_aside(tx, suspect.key, suspect.reason)


class Mend(msgspec.Struct, frozen=True, kw_only=True):
    """Operation: due keys whose hint cannot be read get a new one; a recipient without records is set aside."""

    partition: int
    epoch: int
    due_keys: Sequence[bytes]

    @property
    def octets(self) -> int:
        return len(self.due_keys) * 800

    def apply(self, tx: WriteTransaction) -> None:
        tx.check_epoch(self.partition, self.epoch)
        for due_key in self.due_keys:
            hint = tx.get(tx.env.due, due_key)
            if hint is None or is_readable_hint(hint):
                continue
            key = delivery_key(parse_due_key(due_key)[2])
            tx.delete(tx.env.due, due_key)
            message, record = _find_message(tx, key), _find_delivery(tx, key)
            if message is None or record is None:
                set_aside(tx, key, "its records cannot be read")
            else:  # as new: who reads what is due is behind it already
                again = due_hint(message, record)
                tx.schedule(self.partition, tx.now, key, encode_delivery(record), again)


def set_aside(tx: WriteTransaction, key: bytes, reason: str) -> None:
    """Set a recipient aside whose due key or claim is gone."""
    record, message = _find_delivery(tx, key), _find_message(tx, key)
    raw = tx.get(tx.env.delivery, key) or b""
    tx.put(tx.env.damaged, key, encode(DamagedRecord(at=tx.now, reason=reason, record=raw)))
    if record is not None:
        forget_rule(tx, key, record)
    tx.delete(tx.env.delivery, key)
    tx.append_event(
        encode_event(
            Damaged(
                at=tx.now,
                message_id=MessageId(key[:16]),
                tenant="" if message is None else message.tenant,
                stream="" if message is None else message.stream,
                index=int.from_bytes(key[16:18], "big"),
                recipient="" if record is None else record.forward_path,
                reverse_path="" if message is None else message.reverse_path,
                in_doubt=0 if record is None else record.in_doubt,
                reason=reason,
            )
        )
    )


def is_readable_hint(raw: bytes) -> bool:
    try:
        decode_hint(hinted_octets(raw)[1])
    except RecordError:
        return False
    return True


def _find_delivery(tx: WriteTransaction, key: bytes) -> DeliveryRecord | None:
    try:
        return decode_delivery(tx.get(tx.env.delivery, key) or b"")
    except RecordError:
        return None


def _find_message(tx: WriteTransaction, key: bytes) -> MessageRecord | None:
    try:
        return decode_message(tx.get(tx.env.message, key[:16]) or b"")
    except RecordError:
        return None

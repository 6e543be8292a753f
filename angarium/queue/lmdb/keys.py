"""The keys of the queue's sub-databases: big-endian, so that they sort as the values do. Pure."""

import struct
from typing import Final

from angarium.queue.model import DeliveryId, MessageId, PartitionNumber, UnixMs

_DUE: Final = struct.Struct(">HQ16sH")


def delivery_key(delivery: DeliveryId) -> bytes:
    return delivery.message_id + delivery.index.to_bytes(2, "big")


def parse_delivery_key(key: bytes) -> DeliveryId:
    return DeliveryId(MessageId(key[:16]), int.from_bytes(key[16:18], "big"))


def partition_prefix(partition: int) -> bytes:
    return partition.to_bytes(2, "big")


def due_key(partition: int, due: int, delivery: bytes) -> bytes:
    return partition.to_bytes(2, "big") + due.to_bytes(8, "big") + delivery


def parse_due_key(key: bytes) -> tuple[PartitionNumber, UnixMs, DeliveryId]:
    partition, due, message_id, index = _DUE.unpack(key)
    return partition, due, DeliveryId(message_id, index)


def claim_key(partition: int, delivery: bytes) -> bytes:
    return partition.to_bytes(2, "big") + delivery


def u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def claim_value(epoch: int, source: str) -> bytes:
    """Who claimed a recipient, and the egress source that it was to leave by; "": not known."""
    return u64(epoch) + source.encode()


def claimer(value: bytes | None) -> int | None:
    """Return the epoch of who claimed it."""
    return None if value is None else int.from_bytes(value[:8], "big")


def claimed_source(value: bytes) -> str:
    return value[8:].decode(errors="replace")


def owner_key(partition: int) -> bytes:
    """In ``meta``: who owns the partition, with which epoch."""
    return b"owner:" + partition.to_bytes(2, "big")


ACK_PREFIX: Final = b"ack:"


def ack_key(consumer: str) -> bytes:
    """In ``meta``: a consumer of the event log, and up to where it needs nothing more."""
    return ACK_PREFIX + consumer.encode()


# In ``meta``, u64: counted up by each change of the hold rules, so that a process knows when its copy is old
RULES_VERSION_KEY: Final = b"hold_rules"
# In ``meta``, u64: the last id that was given to a hold rule
LAST_RULE_KEY: Final = b"hold_rule_id"

# In ``meta``: the installation's key, by which erased addresses are known again; made with the first erasure
ERASURE_KEY: Final = b"erasure_key"


def rule_held_key(rule: int, delivery: bytes) -> bytes:
    """What a hold rule holds."""
    return u64(rule) + delivery

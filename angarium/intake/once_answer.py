"""What is kept with an idempotency key: what was asked, as a digest, and what was answered. Pure."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.intake.order import Fault, Order, Sent

DAY_MS: Final = 86_400_000  # for how long a key is kept


class _SentRecord(msgspec.Struct, frozen=True, tag="sent", array_like=True):
    sent: Sent


class _FaultRecord(msgspec.Struct, frozen=True, tag="fault", array_like=True):
    fault: Fault


_Answer = tuple[_SentRecord | _FaultRecord, ...]


def orders_digest(orders: Sequence[Order | Fault], strict: bool) -> bytes:
    """Return SHA-256 of orders as they were read: octets differ between tries, by boundaries and the order of names."""
    digest = hashlib.sha256(b"strict" if strict else b"permissive")
    for each in orders:
        encoded = msgspec.msgpack.encode(each, order="deterministic")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.digest()


def encode_answer(results: Sequence[Sent | Fault]) -> bytes:
    records = [
        _SentRecord(each) if isinstance(each, Sent) else _FaultRecord(each) for each in results
    ]
    return msgspec.msgpack.encode(records)


def decode_answer(octets: bytes) -> tuple[Sent | Fault, ...]:
    records = msgspec.msgpack.decode(octets, type=_Answer)
    return tuple([each.sent if isinstance(each, _SentRecord) else each.fault for each in records])

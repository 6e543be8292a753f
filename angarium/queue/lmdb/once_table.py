"""Idempotency keys: what a client's key stood for, found by a digest, forgotten with its time. Bounded (P6).

``once``: digest of the tenant, digest of the key. ``once_end``: digest of the tenant, when it ends u64, digest of the
key. In ``meta``: how many a tenant has.
"""

from hashlib import blake2b, sha256
from typing import Final

import msgspec

from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.keys import u64
from angarium.queue.lmdb.records import RecordError, decode, encode
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import UnixMs
from angarium.queue.terms import KeyReused, OnceKey, Repeated

TENANT_OCTETS: Final = 16
# Keys looked at in one transaction
SWEEP_LIMIT: Final = 500
_COUNT_PREFIX: Final = b"once:"


class OnceRecord(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    digest: bytes  # of what was asked
    answer: bytes
    expires: int


_decoder: Final = msgspec.msgpack.Decoder(OnceRecord)


def tenant_digest(tenant: str) -> bytes:
    return blake2b(tenant.encode(), digest_size=TENANT_OCTETS).digest()


def once_key(tenant: str, key: str) -> bytes:
    return tenant_digest(tenant) + sha256(key.encode("utf-8", "surrogatepass")).digest()


def decode_once(raw: bytes) -> OnceRecord:
    """Raises RecordError."""
    return decode(raw, _decoder)


def find_once(tx: WriteTransaction, key: bytes, digest: bytes) -> Repeated | KeyReused | None:
    """Say what a key stands for that was used before; None: it is free, or was damaged on disk."""
    return _meaning(tx.get(tx.env.once, key), digest, tx.now)


def read_once(
    env: QueueEnvironment, tenant: str, key: str, digest: bytes, now: UnixMs
) -> Repeated | KeyReused | None:
    """The same outside of a transaction that writes."""
    with env.read() as txn:
        return _meaning(txn.get(once_key(tenant, key), db=env.once), digest, now)


def _meaning(raw: bytes | None, digest: bytes, now: UnixMs) -> Repeated | KeyReused | None:
    record = None if raw is None else _find_record(raw)
    if record is None or record.expires <= now:
        return None
    return Repeated(answer=record.answer) if record.digest == digest else KeyReused()


def write_once(tx: WriteTransaction, key: bytes, once: OnceKey, limit: int) -> None:
    """Remember a key that is free. Beyond ``limit`` of a tenant, the one of it that ends first is forgotten."""
    forget_once(tx, key)
    count = _count(tx, key)
    if count >= limit:
        count -= _forget_first(tx, key[:TENANT_OCTETS])
    record = OnceRecord(digest=once.digest, answer=once.answer, expires=once.expires)
    tx.put(tx.env.once, key, encode(record))
    tx.put(tx.env.once_end, _end_key(key, once.expires), b"")
    tx.put(tx.env.meta, _count_key(key), u64(count + 1))


class SweepOnce:
    """Operation: forget keys whose time is over; returns where to go on, None at the end of the table."""

    octets = SWEEP_LIMIT * 100

    def __init__(self, start: bytes = b"") -> None:
        """``start``: digest of the tenant to begin with."""
        self._start = start

    def apply(self, tx: WriteTransaction) -> bytes | None:
        cursor = tx.cursor(tx.env.once_end)
        place = self._start
        for _ in range(SWEEP_LIMIT):
            if not cursor.set_range(place or b"\0"):
                return None
            end = cursor.key()
            place, ends = end[:TENANT_OCTETS], int.from_bytes(end[TENANT_OCTETS:][:8], "big")
            if ends <= tx.now:
                _forget_end(tx, end)
            elif (next_tenant := _behind(place)) is None:
                return None
            else:
                place = next_tenant
        return place


def forget_once(tx: WriteTransaction, key: bytes) -> bool:
    """Take away what is left of a key: its time is over, it cannot be read, or is not to be known any more."""
    raw = tx.get(tx.env.once, key)
    if raw is None:
        return False
    if (record := _find_record(raw)) is not None:
        tx.delete(tx.env.once_end, _end_key(key, record.expires))
    tx.delete(tx.env.once, key)
    tx.put(tx.env.meta, _count_key(key), u64(max(_count(tx, key) - 1, 0)))
    return True


def _forget_first(tx: WriteTransaction, tenant: bytes) -> int:
    cursor = tx.cursor(tx.env.once_end)
    if not cursor.set_range(tenant) or not cursor.key().startswith(tenant):
        return 0
    end = cursor.key()
    tx.delete(tx.env.once_end, end)
    tx.delete(tx.env.once, tenant + end[TENANT_OCTETS + 8 :])
    return 1


def _forget_end(tx: WriteTransaction, end: bytes) -> None:
    key = end[:TENANT_OCTETS] + end[TENANT_OCTETS + 8 :]
    tx.delete(tx.env.once_end, end)
    if tx.delete(tx.env.once, key):
        tx.put(tx.env.meta, _count_key(key), u64(max(_count(tx, key) - 1, 0)))


def _behind(tenant: bytes) -> bytes | None:
    """Return the first digest behind a tenant's; None: there is none."""
    number = int.from_bytes(tenant, "big") + 1
    return None if number >> (8 * TENANT_OCTETS) else number.to_bytes(TENANT_OCTETS, "big")


def _end_key(key: bytes, expires: UnixMs | int) -> bytes:
    return key[:TENANT_OCTETS] + u64(expires) + key[TENANT_OCTETS:]


def _count_key(key: bytes) -> bytes:
    return _COUNT_PREFIX + key[:TENANT_OCTETS]


def _count(tx: WriteTransaction, key: bytes) -> int:
    return int.from_bytes(tx.get(tx.env.meta, _count_key(key)) or b"", "big")


def _find_record(raw: bytes) -> OnceRecord | None:
    try:
        return decode_once(raw)
    except RecordError:
        return None

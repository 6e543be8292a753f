"""The table of suppressions: its records and keys, and how one is found."""

import itertools
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from angarium.queue.lmdb.keys import u64
from angarium.queue.lmdb.records import RecordError, decode, encode
from angarium.queue.model import UnixMs
from angarium.queue.person import alias_of
from angarium.queue.suppression_key import address_key, compared_form
from angarium.queue.suppressions import UNREADABLE, Scope, Suppression


class SuppressionRecord(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """On disk for ever: fields are only appended, with a default."""

    email: str
    tenant: str | None
    stream: str | None
    reason: str
    added_at: int
    expires_at: int | None
    evidence: str
    reference: str
    topic: str | None = None


_decoder: Final = msgspec.msgpack.Decoder(SuppressionRecord)


def end_key(expires_at: int, key: bytes) -> bytes:
    """In ``suppression_end``: when a suppression's time is over."""
    return u64(expires_at) + key


def encode_suppression(each: Suppression) -> bytes:
    return encode(
        SuppressionRecord(
            email=each.email,
            tenant=each.scope.tenant,
            stream=each.scope.stream,
            reason=each.reason,
            added_at=each.added_at,
            expires_at=each.expires_at,
            evidence=each.evidence,
            reference=each.reference,
            topic=each.scope.topic,
        )
    )


def decode_suppression(raw: bytes) -> Suppression:
    """Raises RecordError."""
    record = decode(raw, _decoder)
    try:
        scope = Scope(tenant=record.tenant, stream=record.stream, topic=record.topic)
    except ValueError as error:
        raise RecordError(str(error)) from error
    return Suppression(
        email=record.email,
        scope=scope,
        reason=record.reason,
        added_at=UnixMs(record.added_at),
        expires_at=None if record.expires_at is None else UnixMs(record.expires_at),
        evidence=record.evidence,
        reference=record.reference,
    )


def find_suppression(
    get: Callable[[bytes], bytes | None],
    address: str,
    scopes: Sequence[Scope],
    now: UnixMs,
    erasure_key: bytes | None,
) -> Suppression | None:
    """Return what keeps mail of these scopes from an address: of several, what is of the first one.

    ``erasure_key``: by it, addresses are known that were erased; None: none was.
    """
    try:
        keys = [address_key(address)]
        if erasure_key is not None:
            keys.append(address_key(alias_of(compared_form(address), erasure_key)))
    except ValueError:
        return None  # what is no address is in no table
    for scope, key in itertools.product(scopes, keys):
        raw = get(key + scope.key)
        if raw is None:
            continue
        try:
            found = decode_suppression(raw)
        except RecordError:
            # Invariant 5: its key says enough
            return Suppression(
                email=address,
                scope=scope,
                reason=UNREADABLE,
                added_at=UnixMs(0),
            )
        if found.is_in_force(now):
            return found
    return None

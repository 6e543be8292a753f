"""What of rules in force is kept over a restart, and how it is written. Pure."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from angarium.reputation.in_force import EffectKey, InForce

PREFIX: Final = "rules/"
# The first octet of a value. Another one was written by a newer Angarium: passed over
_VERSION: Final = b"\x01"
_encode: Final = msgspec.msgpack.Encoder().encode
_decoder: Final = msgspec.msgpack.Decoder(InForce)


def keepsake_name(key: EffectKey) -> str:
    """Return the same for the same effect for ever; names of tenants and sites are too long to stand in it."""
    parts = (key.rule, key.action, *key.reach)
    octets = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return PREFIX + hashlib.blake2b(octets, digest_size=16).hexdigest()


def keepsake_of(effect: InForce) -> bytes:
    return _VERSION + _encode(effect)


def read_kept(kept: Mapping[str, bytes], owns: Callable[[str], bool]) -> list[InForce]:
    """Return what was in force at the providers that this process owns, the oldest first; what is damaged is not."""
    found: list[InForce] = []
    for value in kept.values():
        if value[:1] != _VERSION:
            continue
        try:
            effect = _decoder.decode(value[1:])
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if owns(effect.reach.provider):
            found.append(effect)
    return sorted(found, key=lambda each: each.since)

"""What of figures, and of who is judged and stopped, is kept over a restart, and how it is written. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from angarium.reputation.breaker import Evidence, Party
from angarium.reputation.figures import Book, Subject

FIGURES: Final = "standing/figures/"
PARTIES: Final = "standing/parties/"
# Up to which event everything else of this is: written with it in one transaction
POSITION: Final = "standing/position"
# The first octet of a value. Another one was written by a newer Angarium: passed over
_VERSION: Final = b"\x01"
_encode: Final = msgspec.msgpack.Encoder().encode
T = TypeVar("T")


def book_name(subject: Subject) -> str:
    return FIGURES + _digest(subject.kind, subject.name)


def party_name(party: Party) -> str:
    return PARTIES + _digest(party.tenant, party.campaign)


def encoded(value: Book | Evidence | int | None) -> bytes | None:
    """None: there is nothing to be kept any more."""
    return None if value is None else _VERSION + _encode(value)


def read_books(kept: Mapping[str, bytes]) -> list[Book]:
    """Return them, the one that had no mail for longest first; what is damaged is not among them."""
    books = _read(kept, FIGURES, Book)
    return sorted(books, key=lambda each: max(each.buckets[0], default=0))


def read_evidence(kept: Mapping[str, bytes]) -> list[Evidence]:
    return sorted(_read(kept, PARTIES, Evidence), key=lambda each: max(each.hours, default=0))


def read_position(kept: Mapping[str, bytes]) -> int:
    return next(iter(_read(kept, POSITION, int)), 0)


def _read(kept: Mapping[str, bytes], prefix: str, kind: type[T]) -> list[T]:
    found: list[T] = []
    for name, value in kept.items():
        if not name.startswith(prefix) or value[:1] != _VERSION:
            continue
        try:
            found.append(msgspec.msgpack.decode(value[1:], type=kind))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


def _digest(*parts: str) -> str:
    """Names of tenants and campaigns are too long to stand in a name; the same for ever."""
    octets = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return hashlib.blake2b(octets, digest_size=16).hexdigest()

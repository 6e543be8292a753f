"""How audit entries are chained. Pure; on disk for ever.

Each entry has two SHA-256 digests. ``content`` is of a salt and of what may name a person, in JSON: ``[actor, subject,
details]``. ``digest`` is of the JSON array ``[digest of the entry before, number, at, action, tenant, content]``, the
digests in hexadecimal; before the first one there is FIRST. So a person's name can be taken out of an entry, with its
salt, and the chain still holds.
"""

import hashlib
from typing import Final

import msgspec

from angarium.tenancy.model import AuditEntry

FIRST: Final = bytes(32)
SALT_OCTETS: Final = 16

_encode: Final = msgspec.json.Encoder().encode


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Up to where the chain goes, or from where on it is kept. Number 0: it is empty, or nothing was let go."""

    number: int = 0
    digest: bytes = FIRST


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in the chain."""

    number: int  # goes up
    entry: AuditEntry
    salt: bytes | None  # None: words were taken out of it, for a person who was erased
    content: bytes
    digest: bytes

    @property
    def place(self) -> Place:
        return Place(number=self.number, digest=self.digest)


def content_digest(salt: bytes, entry: AuditEntry) -> bytes:
    words = _encode([entry.actor, entry.subject, entry.details])
    return hashlib.sha256(salt + words).digest()


def link_digest(before: bytes, number: int, entry: AuditEntry, content: bytes) -> bytes:
    row = [before.hex(), number, entry.at, entry.action, entry.tenant, content.hex()]
    return hashlib.sha256(_encode(row)).digest()


def next_link(before: Place, entry: AuditEntry, salt: bytes) -> Link:
    content = content_digest(salt, entry)
    number = before.number + 1
    return Link(
        number=number,
        entry=entry,
        salt=salt,
        content=content,
        digest=link_digest(before.digest, number, entry, content),
    )

"""The audit as lines of JSON, which tell all that verifying takes. Pure."""

from collections.abc import Iterable, Iterator

import msgspec

from angarium.queue.model import UnixMs
from angarium.tenancy.audit.link import Link, Place
from angarium.tenancy.model import AuditEntry


class ExportedAnchor(msgspec.Struct, frozen=True, kw_only=True, tag="anchor", tag_field="line"):
    """The first line: behind which entry the others are."""

    number: int
    digest: str

    @property
    def place(self) -> Place:
        return Place(number=self.number, digest=bytes.fromhex(self.digest))


class ExportedEntry(msgspec.Struct, frozen=True, kw_only=True, tag="entry", tag_field="line"):
    number: int
    at: UnixMs  # as it is in the digest
    actor: str
    action: str
    tenant: str
    subject: str
    details: dict[str, str]
    salt: str | None  # digests in hexadecimal, as the next two
    content: str
    digest: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ExportedAnchor | ExportedEntry).decode


def anchor_line(anchor: Place) -> bytes:
    return _encode(ExportedAnchor(number=anchor.number, digest=anchor.digest.hex())) + b"\n"


def exported_line(link: Link) -> bytes:
    entry = link.entry
    line = ExportedEntry(
        number=link.number,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        tenant=entry.tenant,
        subject=entry.subject,
        details=entry.details,
        salt=None if link.salt is None else link.salt.hex(),
        content=link.content.hex(),
        digest=link.digest.hex(),
    )
    return _encode(line) + b"\n"


def read_exported(lines: Iterable[bytes]) -> Iterator[ExportedAnchor | Link]:
    """Raises ValueError that names the line."""
    for number, line in enumerate(lines, 1):
        try:
            found = _decode(line)
            yield found if isinstance(found, ExportedAnchor) else _link(found)
        except (msgspec.MsgspecError, ValueError) as error:
            raise ValueError(f"line {number}: {error}") from None


def _link(found: ExportedEntry) -> Link:
    return Link(
        number=found.number,
        entry=AuditEntry(
            at=found.at,
            actor=found.actor,
            action=found.action,
            tenant=found.tenant,
            subject=found.subject,
            details=found.details,
        ),
        salt=None if found.salt is None else bytes.fromhex(found.salt),
        content=bytes.fromhex(found.content),
        digest=bytes.fromhex(found.digest),
    )

"""The chain in the database: appending to it, reading it, letting go of what is old. In the caller's transaction."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.queue.model import UnixMs
from angarium.tenancy.audit.checking import trimmed_details
from angarium.tenancy.audit.link import SALT_OCTETS, Link, Place, next_link
from angarium.tenancy.model import AuditEntry
from angarium.tenancy.tables import AUDIT, AUDIT_CHAIN

# Entries read, or let go, at a time
PART: Final = 500

Note = tuple[AuditEntry, bytes]  # and its salt


def append_notes(connection: Connection, notes: Sequence[Note]) -> None:
    """Chain them, as the last thing that a transaction does: whoever comes next waits here, and holds nothing else that
    this one needs (AC2: of two that append at once one is behind the other).
    """
    if not notes:
        return
    place = _lock(connection)
    links: list[Link] = []
    for entry, salt in notes:
        links.append(next_link(place, entry, salt))
        place = links[-1].place
    connection.execute(sa.insert(AUDIT), [_row(each) for each in links])
    connection.execute(sa.update(AUDIT_CHAIN).values(number=place.number, digest=place.digest))


def read_head(connection: Connection) -> Place:
    row = connection.execute(sa.select(AUDIT_CHAIN.c.number, AUDIT_CHAIN.c.digest)).one()
    return Place(number=row.number, digest=bytes(row.digest))


def read_anchor(connection: Connection) -> Place:
    columns = AUDIT_CHAIN.c.anchor_number, AUDIT_CHAIN.c.anchor_digest
    row = connection.execute(sa.select(*columns)).one()
    return Place(number=row.anchor_number, digest=bytes(row.anchor_digest))


def read_links(connection: Connection) -> Iterator[Link]:
    """Yield all, the oldest first."""
    after = -1
    while True:
        wanted = sa.select(AUDIT).where(AUDIT.c.number > after).order_by(AUDIT.c.number)
        rows = connection.execute(wanted.limit(PART)).all()
        yield from map(read_link, rows)
        if len(rows) < PART:
            return
        after = rows[-1].number


def read_link(row: Any) -> Link:
    return Link(
        number=row.number,
        entry=AuditEntry(
            at=UnixMs(row.at),
            actor=row.actor,
            action=row.action,
            tenant=row.tenant,
            subject=row.subject,
            details=msgspec.json.decode(row.details, type=dict[str, str]),
        ),
        salt=None if row.salt is None else bytes(row.salt),
        content=bytes(row.content),
        digest=bytes(row.digest),
    )


def forget_links(
    connection: Connection, before: UnixMs, note: Callable[[dict[str, str]], None]
) -> int:
    """Let go of the oldest, PART of them at most, which are older; returns how many. ``note`` is told where the chain
    begins from then on, for an entry of it.
    """
    _lock(connection)
    wanted = sa.select(AUDIT.c.number, AUDIT.c.at, AUDIT.c.digest).order_by(AUDIT.c.number)
    anchor, count = Place(), 0
    for row in connection.execute(wanted.limit(PART)).all():
        if row.at >= before:
            break
        anchor, count = Place(number=row.number, digest=bytes(row.digest)), count + 1
    if count:
        connection.execute(sa.delete(AUDIT).where(AUDIT.c.number <= anchor.number))
        connection.execute(
            sa.update(AUDIT_CHAIN).values(anchor_number=anchor.number, anchor_digest=anchor.digest)
        )
        note(trimmed_details(anchor))
    return count


def new_salt(random_octets: Callable[[int], bytes]) -> bytes:
    return random_octets(SALT_OCTETS)


def _lock(connection: Connection) -> Place:
    """SQLite's writers are one after the other anyway."""
    columns = AUDIT_CHAIN.c.number, AUDIT_CHAIN.c.digest
    row = connection.execute(sa.select(*columns).with_for_update()).one()
    return Place(number=row.number, digest=bytes(row.digest))


def _row(link: Link) -> dict[str, Any]:
    entry = link.entry
    return {
        "number": link.number,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "tenant": entry.tenant,
        "subject": entry.subject,
        "details": msgspec.json.encode(entry.details).decode(),
        "salt": link.salt,
        "content": link.content,
        "digest": link.digest,
    }

"""The audit as its readers and keepers use it. Blocks on disk; each raises TenancySetupError."""

from collections.abc import Callable, Iterator, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.queue.model import UnixMs
from angarium.tenancy.audit.chain import (
    forget_links,
    read_anchor,
    read_head,
    read_link,
    read_links,
)
from angarium.tenancy.audit.checking import REDACTED, TRIMMED, ChainCheck, Verdict, redacted_details
from angarium.tenancy.audit.link import Link, Place
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import AuditEntry
from angarium.tenancy.tables import AUDIT


class AuditBook:
    def __init__(self, database: Database, changer: Changer) -> None:
        self._database = database
        self._changer = changer

    def note(self, action: str, tenant: str, subject: str, **details: str) -> None:
        """Leave an entry of what was done elsewhere, as in the queue."""
        with self._database.noting() as connection:
            self._changer.note(connection, action, tenant, subject, **details)

    def page(self, tenant: str | None, before: int | None, limit: int) -> list[Link]:
        """The newest first; ``before``: the number of the last one of the page before. Of one tenant, or all."""
        where = [] if tenant is None else [AUDIT.c.tenant == tenant]
        if before is not None:
            where.append(AUDIT.c.number < before)
        statement = sa.select(AUDIT).where(*where).order_by(AUDIT.c.number.desc()).limit(limit)
        with self._database.reading() as connection:
            return [read_link(each) for each in connection.execute(statement)]

    def head(self) -> Place:
        """Return the last entry's place: who has it elsewhere can tell later whether anything was cut off."""
        with self._database.reading() as connection:
            return read_head(connection)

    def anchor(self) -> Place:
        """Return behind which entry the chain is kept."""
        with self._database.reading() as connection:
            return read_anchor(connection)

    def links(self) -> Iterator[Link]:
        """Yield all entries, the oldest first, of one state."""
        with self._database.reading() as connection:
            yield from read_links(connection)

    def verify(self, heads: Sequence[bytes] = ()) -> Verdict:
        with self._database.reading() as connection:
            check = ChainCheck(read_anchor(connection), heads)
            for link in read_links(connection):
                if (broken := check.take(link)) is not None:
                    return broken
            return check.end(read_head(connection))

    def forget(self, before: UnixMs) -> int:
        """Let go of some of the oldest entries that are older; returns how many. One small transaction."""
        with self._database.noting() as connection:
            return forget_links(
                connection,
                before,
                lambda details: self._changer.note(connection, TRIMMED, "", "audit", **details),
            )

    def redact(self, find: Callable[[AuditEntry], AuditEntry | None]) -> int:
        """Put what ``find`` returns in the place of entries of which it returns anything; returns how many.

        Time, action and tenant stay as they are. An entry tells of it; the chain holds.
        """
        numbers: list[int] = []
        with self._database.noting() as connection:
            for link in list(read_links(connection)):
                if (entry := find(link.entry)) is not None:
                    _replace(connection, link.number, entry)
                    numbers.append(link.number)
            if numbers:
                self._changer.note(connection, REDACTED, "", "audit", **redacted_details(numbers))
        return len(numbers)


def _replace(connection: Connection, number: int, entry: AuditEntry) -> None:
    connection.execute(
        sa.update(AUDIT)
        .where(AUDIT.c.number == number)
        .values(
            actor=entry.actor,
            subject=entry.subject,
            details=msgspec.json.encode(entry.details).decode(),
            salt=None,
        )
    )

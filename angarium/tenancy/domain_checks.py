"""What was found of domains, in the database. Blocks on disk; what is recorded is on disk on return."""

from collections.abc import Callable
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.queue.model import UnixMs
from angarium.tenancy.database import Database
from angarium.tenancy.domain_check import CheckedRecord, DomainCheck
from angarium.tenancy.tables import DOMAIN, DOMAIN_CHECK

_RECORDS: Final = msgspec.json.Decoder(tuple[CheckedRecord, ...])


class DomainChecks:
    """The last look at each domain. No part of what is published: nothing on the way of a message asks for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, domain_id: str) -> DomainCheck | None:
        """None: nobody has looked yet."""
        with self._database.reading() as connection:
            found = connection.execute(
                sa.select(DOMAIN_CHECK).where(DOMAIN_CHECK.c.domain_id == domain_id)
            ).first()
        return None if found is None else _check(found)

    def each(self, take: Callable[[DomainCheck], None]) -> None:
        """Hand over those of all domains, one at a time: together they would be large."""
        with self._database.reading() as connection:
            for row in connection.execution_options(yield_per=100).execute(sa.select(DOMAIN_CHECK)):
                take(_check(row))

    def record(self, check: DomainCheck) -> None:
        """Keep it in place of the last one; of a domain that is removed meanwhile, nothing."""
        values = {
            "checked": check.checked,
            "records": msgspec.json.encode(check.records).decode(),
        }
        at = DOMAIN_CHECK.c.domain_id == check.domain_id
        with self._database.noting() as connection:
            # Locked: whoever removes the domain waits, or has removed it
            is_there = connection.execute(
                sa.select(DOMAIN.c.id).where(DOMAIN.c.id == check.domain_id).with_for_update()
            ).first()
            if is_there is None:
                return
            if not connection.execute(sa.update(DOMAIN_CHECK).where(at).values(**values)).rowcount:
                connection.execute(
                    sa.insert(DOMAIN_CHECK).values(domain_id=check.domain_id, **values)
                )


def forget_check(connection: Connection, domain_id: str) -> None:
    connection.execute(sa.delete(DOMAIN_CHECK).where(DOMAIN_CHECK.c.domain_id == domain_id))


def _check(row: sa.Row[tuple[object, ...]]) -> DomainCheck:
    return DomainCheck(
        domain_id=row.domain_id,
        checked=UnixMs(row.checked),
        records=_RECORDS.decode(row.records),
    )

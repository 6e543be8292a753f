"""Who changes the platform, when, and with what ids; and the audit entry that each change leaves."""

from collections.abc import Callable

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.queue.message_id import MessageIdGenerator, message_id_text
from angarium.queue.model import UnixMs
from angarium.tenancy.model import AuditEntry
from angarium.tenancy.tables import AUDIT


class Changer:
    """On whose behalf a store works."""

    def __init__(
        self, actor: str, clock: Callable[[], UnixMs], random_octets: Callable[[int], bytes]
    ) -> None:
        self.actor = actor
        self.clock = clock
        self.random_octets = random_octets
        self._new_id = MessageIdGenerator(clock, random_octets)

    def new_id(self) -> str:
        """Return a UUIDv7."""
        return message_id_text(self._new_id())

    def note(
        self, connection: Connection, action: str, tenant: str, subject: str, **details: str
    ) -> None:
        """Leave an audit entry in the transaction of what was done."""
        connection.execute(
            sa.insert(AUDIT).values(
                at=self.clock(),
                actor=self.actor,
                action=action,
                tenant=tenant,
                subject=subject,
                details=msgspec.json.encode(details).decode(),
            )
        )


def read_audit(connection: Connection, limit: int = 1000) -> list[AuditEntry]:
    """Return the last entries, the newest first."""
    rows = connection.execute(sa.select(AUDIT).order_by(AUDIT.c.number.desc()).limit(limit))
    return [
        AuditEntry(
            at=UnixMs(row.at),
            actor=row.actor,
            action=row.action,
            tenant=row.tenant,
            subject=row.subject,
            details=msgspec.json.decode(row.details, type=dict[str, str]),
        )
        for row in rows
    ]

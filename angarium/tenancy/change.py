"""Who changes the platform, when, and with what ids; and the audit entry that each change leaves."""

from collections.abc import Callable

from sqlalchemy.engine import Connection

from angarium.queue.message_id import MessageIdGenerator, message_id_text
from angarium.queue.model import UnixMs
from angarium.tenancy.audit.chain import Note, new_salt
from angarium.tenancy.model import AuditEntry


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
        """Leave an audit entry in the transaction of what was done: chained when that ends."""
        notes: list[Note] = connection.get_execution_options()["notes"]
        entry = AuditEntry(
            at=self.clock(),
            actor=self.actor,
            action=action,
            tenant=tenant,
            subject=subject,
            details=details,
        )
        notes.append((entry, new_salt(self.random_octets)))

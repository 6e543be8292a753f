"""Topics in the database. Blocks on disk; what is returned is on disk, with its audit entry."""

from collections.abc import Mapping

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError, NotFoundError
from angarium.tenancy.rows import known_tenant, read_topics
from angarium.tenancy.tables import TENANT, TOPIC
from angarium.tenancy.topic import MAX_TOPICS, Topic, check_name, tidy_titles


class TopicStore:
    def __init__(self, database: Database, changer: Changer) -> None:
        self._database = database
        self._changer = changer

    def list(self, tenant: str | None = None) -> list[Topic]:
        """Return all, or a tenant's, by tenant and name. Raises NotFoundError."""
        with self._database.reading() as connection:
            if tenant is None:
                return read_topics(connection)
            return read_topics(connection, TENANT.c.id == known_tenant(connection, tenant).id)

    def find(self, tenant: str, text: str) -> Topic:
        """``text``: its name or its id. Raises NotFoundError."""
        with self._database.reading() as connection:
            return _known(connection, tenant, text)

    def create(self, tenant: str, name: str, titles: Mapping[str, str]) -> Topic:
        """Raises TenancyError: there is no such tenant, the name is taken, or what was wished cannot be."""
        check_name(name)
        tidy = tidy_titles(titles)
        topic_id, now = self._changer.new_id(), self._changer.clock()
        with self._database.changing() as connection:
            owner = known_tenant(connection, tenant)
            there = read_topics(connection, TENANT.c.id == owner.id)
            if any(each.name == name for each in there):
                raise ConflictError(f"there is a topic {name!r} already", field="name")
            if len(there) >= MAX_TOPICS:
                raise ConflictError(f"a tenant has at most {MAX_TOPICS} topics: remove some")
            connection.execute(
                sa.insert(TOPIC).values(
                    id=topic_id,
                    tenant_id=owner.id,
                    name=name,
                    titles=msgspec.json.encode(tidy).decode(),
                    created=now,
                )
            )
            self._changer.note(connection, "topic.created", tenant, topic_id, name=name)
            return _known(connection, tenant, name)

    def set_titles(self, tenant: str, text: str, titles: Mapping[str, str]) -> Topic:
        """Give it these titles instead. Raises NotFoundError, TenancyError."""
        tidy = tidy_titles(titles)
        with self._database.changing() as connection:
            found = _known(connection, tenant, text)
            values = {"titles": msgspec.json.encode(tidy).decode()}
            connection.execute(sa.update(TOPIC).where(TOPIC.c.id == found.id).values(**values))
            self._changer.note(connection, "topic.changed", tenant, found.id, name=found.name)
            return _known(connection, tenant, found.id)

    def remove(self, tenant: str, text: str) -> Topic:
        """Forget it; returns what it was. Who left it stays suppressed, should one of the name come again.

        Raises NotFoundError.
        """
        with self._database.changing() as connection:
            found = _known(connection, tenant, text)
            connection.execute(sa.delete(TOPIC).where(TOPIC.c.id == found.id))
            self._changer.note(connection, "topic.removed", tenant, found.id, name=found.name)
            return found


def _known(connection: Connection, tenant: str, text: str) -> Topic:
    known_tenant(connection, tenant)
    for each in read_topics(
        connection, TENANT.c.name == tenant, sa.or_(TOPIC.c.name == text, TOPIC.c.id == text)
    ):
        return each
    raise NotFoundError(
        f"tenant {tenant} has no topic {text[:80]!r}", f"`postmaster topic list --tenant {tenant}`"
    )

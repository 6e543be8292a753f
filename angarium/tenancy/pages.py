"""Lists that are read a page at a time, each from where the one before ended. Blocks on disk."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.tenancy.database import Database
from angarium.tenancy.model import Domain, Key, Tenant
from angarium.tenancy.rows import read_domains, read_keys, read_tenants, read_tracking_hosts
from angarium.tenancy.tables import DOMAIN, KEY, TENANT, TRACKING_HOST
from angarium.tenancy.tracking_policy import TrackingHost


class Pages:
    """Each returns at most ``limit``; ``after``: the last of the page before, "" for the first one.

    Raises TenancySetupError. A tenant that is none has nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def tenants(self, after: str, limit: int) -> list[Tenant]:
        """By name."""
        with self._database.reading() as connection:
            names = sa.select(TENANT.c.name).where(TENANT.c.name > after).order_by(TENANT.c.name)
            return read_tenants(connection, TENANT.c.name.in_(_values(connection, names, limit)))

    def keys(self, tenant: str, after: str, limit: int) -> list[Key]:
        """By id."""
        with self._database.reading() as connection:
            ids = (
                sa.select(KEY.c.id)
                .join(TENANT)
                .where(TENANT.c.name == tenant, KEY.c.id > after)
                .order_by(KEY.c.id)
            )
            return read_keys(connection, KEY.c.id.in_(_values(connection, ids, limit)))

    def domains(self, tenant: str, after: str, limit: int) -> list[Domain]:
        """By name."""
        with self._database.reading() as connection:
            ids = (
                sa.select(DOMAIN.c.id)
                .join(TENANT)
                .where(TENANT.c.name == tenant, DOMAIN.c.name > after)
                .order_by(DOMAIN.c.name)
            )
            return read_domains(connection, DOMAIN.c.id.in_(_values(connection, ids, limit)))

    def tracking_hosts(self, tenant: str, after: str, limit: int) -> list[TrackingHost]:
        """By name."""
        with self._database.reading() as connection:
            names = (
                sa.select(TRACKING_HOST.c.host)
                .join(TENANT)
                .where(TENANT.c.name == tenant, TRACKING_HOST.c.host > after)
                .order_by(TRACKING_HOST.c.host)
            )
            wanted = TRACKING_HOST.c.host.in_(_values(connection, names, limit))
            return sorted(read_tracking_hosts(connection, wanted), key=lambda each: each.host)


def _values(connection: Connection, statement: sa.Select[Any], limit: int) -> list[str]:
    return [row[0] for row in connection.execute(statement.limit(limit))]

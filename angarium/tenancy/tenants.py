"""Tenants in the database. Blocks on disk; what is returned is on disk, with its audit entry."""

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.config.address import LABEL_RULE, is_label
from angarium.queue.model import DEFAULT_TENANT
from angarium.tenancy.change import Changer
from angarium.tenancy.check_change import changed_policy
from angarium.tenancy.check_policy import CheckMode
from angarium.tenancy.database import Database
from angarium.tenancy.model import ALIGNMENTS, Alignment, ConflictError, TenancyError, Tenant
from angarium.tenancy.plan_change import PlanChange, changed_plan
from angarium.tenancy.rows import joined_words, known_tenant, plan_values, read_tenants
from angarium.tenancy.tables import (
    DOMAIN,
    DOMAIN_CHECK,
    DOMAIN_KEY,
    KEY,
    KEY_CERTIFICATE,
    KEY_SECRET,
    MEMBERSHIP,
    SESSION,
    TEMPLATE,
    TEMPLATE_VERSION,
    TENANT,
    TOPIC,
    TRACKING_HOST,
    WEBHOOK,
    WEBHOOK_SECRET,
)
from angarium.tenancy.tracking_policy import known_policy, tidy_address


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant that is no more, and how much went with it."""

    tenant: Tenant
    keys: int
    domains: int


class TenantStore:
    def __init__(self, database: Database, changer: Changer) -> None:
        self._database = database
        self._changer = changer

    def list(self) -> list[Tenant]:
        """Return all by name."""
        with self._database.reading() as connection:
            return read_tenants(connection)

    def find(self, name: str) -> Tenant:
        """Raises NotFoundError."""
        with self._database.reading() as connection:
            return known_tenant(connection, name)

    def create(self, name: str) -> Tenant:
        """Raises TenancyError: the name is taken, or cannot be one."""
        if not is_label(name):
            raise TenancyError(f"a tenant is {LABEL_RULE}", field="name")
        tenant = Tenant(id=self._changer.new_id(), name=name, created=self._changer.clock())
        with self._database.changing() as connection:
            taken = sa.select(TENANT.c.removed).where(TENANT.c.name == name)
            for removed in connection.execute(taken).scalars():
                text = f"there is a tenant {name!r} already"
                if removed is not None:
                    text = f"a tenant {name!r} was removed: its mail and suppressions bear the name, so take another"
                raise ConflictError(text, field="name")
            connection.execute(
                sa.insert(TENANT).values(
                    id=tenant.id,
                    name=name,
                    active=True,
                    created=tenant.created,
                    alignment=tenant.alignment,
                )
            )
            self._changer.note(connection, "tenant.created", name, tenant.id)
        return tenant

    def change_plan(self, name: str, change: PlanChange) -> Tenant:
        """Change what it may do. Raises NotFoundError, TenancyError."""
        with self._database.changing() as connection:
            tenant = known_tenant(connection, name)
            plan = changed_plan(tenant.plan, change)
            connection.execute(
                sa.update(TENANT).where(TENANT.c.id == tenant.id).values(**plan_values(plan))
            )
            told = {key: str(value) for key, value in plan_values(plan).items() if value}
            self._changer.note(connection, "tenant.plan_changed", name, tenant.id, **told)
            return known_tenant(connection, name)

    def set_active(self, name: str, active: bool) -> Tenant:
        """Have its keys accepted, or refused. Raises NotFoundError, TenancyError: who is ``default`` stays active."""
        if name == DEFAULT_TENANT and not active:
            text = f"tenant {DEFAULT_TENANT!r} is the server's own, and stays"
            raise ConflictError(text, field="active")
        with self._database.changing() as connection:
            tenant = known_tenant(connection, name)
            connection.execute(
                sa.update(TENANT).where(TENANT.c.id == tenant.id).values(active=active)
            )
            action = "tenant.enabled" if active else "tenant.disabled"
            self._changer.note(connection, action, name, tenant.id)
            return known_tenant(connection, name)

    def set_alignment(self, name: str, alignment: Alignment) -> Tenant:
        """Say as whom it may send. Raises NotFoundError, TenancyError: there is no such policy."""
        if alignment not in ALIGNMENTS:
            text = f"alignment is one of {', '.join(ALIGNMENTS)}"
            raise TenancyError(text, field="alignment")
        with self._database.changing() as connection:
            tenant = known_tenant(connection, name)
            connection.execute(
                sa.update(TENANT).where(TENANT.c.id == tenant.id).values(alignment=alignment)
            )
            self._changer.note(
                connection, "tenant.alignment_set", name, tenant.id, alignment=alignment
            )
            return known_tenant(connection, name)

    def set_check(
        self, name: str, *, mode: CheckMode | None = None, codes: Iterable[str] | None = None
    ) -> Tenant:
        """Say what of its mail is looked at while it is sent, and what is refused; None: as before.

        Raises NotFoundError, TenancyError.
        """
        with self._database.changing() as connection:
            tenant = known_tenant(connection, name)
            policy = changed_policy(tenant.check, mode, codes)
            values = {"check_mode": policy.mode, "check_codes": joined_words(policy.codes)}
            connection.execute(sa.update(TENANT).where(TENANT.c.id == tenant.id).values(**values))
            self._changer.note(connection, "tenant.check_set", name, tenant.id, **values)
            return known_tenant(connection, name)

    def set_tracking(
        self, name: str, *, policy: str | None = None, postal_address: str | None = None
    ) -> Tenant:
        """Say how far its mail is tracked at most, and what address its advertising mail names; None: as before.

        Raises NotFoundError, TenancyError.
        """
        values: dict[str, str] = {}
        if policy is not None:
            values["tracking"] = known_policy(policy)
        if postal_address is not None:
            values["postal_address"] = tidy_address(postal_address)
        with self._database.changing() as connection:
            tenant = known_tenant(connection, name)
            if values:
                wanted = sa.update(TENANT).where(TENANT.c.id == tenant.id).values(**values)
                connection.execute(wanted)
                self._changer.note(connection, "tenant.tracking_set", name, tenant.id, **values)
            return known_tenant(connection, name)

    def remove(self, name: str) -> Removed:
        """Forget its keys and domains for good. Its name is not given again: what is queued, logged and suppressed
        bears it. Raises NotFoundError, TenancyError: who is ``default`` stays.
        """
        if name == DEFAULT_TENANT:
            raise TenancyError(f"tenant {DEFAULT_TENANT!r} is the server's own, and stays")
        with self._database.changing() as connection:
            tenant = known_tenant(connection, name)
            domains = _count(connection, DOMAIN, tenant)
            keys = _count(connection, KEY, tenant)
            # Locked: who notes a check of one waits, and then finds it gone
            mine = DOMAIN.c.tenant_id == tenant.id
            connection.execute(sa.select(DOMAIN.c.id).where(mine).with_for_update())
            connection.execute(_of(DOMAIN_CHECK, DOMAIN_CHECK.c.domain_id, DOMAIN, tenant))
            connection.execute(_of(DOMAIN_KEY, DOMAIN_KEY.c.domain_id, DOMAIN, tenant))
            connection.execute(_of(KEY_SECRET, KEY_SECRET.c.key_id, KEY, tenant))
            connection.execute(_of(KEY_CERTIFICATE, KEY_CERTIFICATE.c.key_id, KEY, tenant))
            connection.execute(_of(WEBHOOK_SECRET, WEBHOOK_SECRET.c.webhook_id, WEBHOOK, tenant))
            connection.execute(
                _of(TEMPLATE_VERSION, TEMPLATE_VERSION.c.template_id, TEMPLATE, tenant)
            )
            for table in (
                *(SESSION, MEMBERSHIP, DOMAIN, KEY),
                *(WEBHOOK, TEMPLATE, TRACKING_HOST, TOPIC),
            ):
                connection.execute(sa.delete(table).where(table.c.tenant_id == tenant.id))
            connection.execute(
                sa.update(TENANT)
                .where(TENANT.c.id == tenant.id)
                .values(removed=self._changer.clock(), active=False)
            )
            self._changer.note(
                connection,
                "tenant.removed",
                name,
                tenant.id,
                keys=str(keys),
                domains=str(domains),
            )
            return Removed(tenant=tenant, keys=keys, domains=domains)


def _count(connection: Connection, table: sa.Table, tenant: Tenant) -> int:
    count = sa.select(sa.func.count()).select_from(table).where(table.c.tenant_id == tenant.id)
    return int(connection.execute(count).scalar_one())


def _of(table: sa.Table, owner: sa.Column[str], owners: sa.Table, tenant: Tenant) -> sa.Delete:
    """What belongs to one of the tenant's ``owners``."""
    return sa.delete(table).where(
        owner.in_(sa.select(owners.c.id).where(owners.c.tenant_id == tenant.id))
    )

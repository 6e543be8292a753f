"""Templates in the database. Blocks on disk; what is returned is on disk, with its audit entry."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError, TenancyError
from angarium.tenancy.rows import known_tenant
from angarium.tenancy.tables import TEMPLATE, TEMPLATE_VERSION, TENANT
from angarium.tenancy.templates.index import Kind
from angarium.tenancy.templates.model import (
    KINDS,
    MAX_NAME,
    MAX_TEMPLATES,
    Template,
    TemplateChange,
    TemplateWish,
    check_alias,
    check_words,
)
from angarium.tenancy.templates.rows import known_template, read_templates
from angarium.tenancy.templates.users import published_users


class TemplateStore:
    def __init__(self, database: Database, changer: Changer) -> None:
        self._database = database
        self._changer = changer

    def list(
        self, tenant: str, *, kind: Kind | None = None, after: str = "", limit: int | None = None
    ) -> list[Template]:
        """By alias; ``after``: the last alias of the page before. Raises NotFoundError."""
        where = [TENANT.c.name == tenant, TEMPLATE.c.alias > after]
        if kind is not None:
            where.append(TEMPLATE.c.kind == kind)
        with self._database.reading() as connection:
            known_tenant(connection, tenant)
            return read_templates(connection, *where, limit=limit)

    def find(self, tenant: str, name: str) -> Template:
        """``name``: an id or an alias. Raises NotFoundError."""
        with self._database.reading() as connection:
            return known_template(connection, tenant, name)

    def create(self, wish: TemplateWish) -> Template:
        """Without any version yet. Raises TenancyError: there is no such tenant, or what was wished cannot be."""
        with self._database.changing() as connection:
            return create_template(connection, self._changer, wish)

    def change(self, tenant: str, name: str, change: TemplateChange) -> Template:
        """Raises NotFoundError, TenancyError: a value cannot be, or others know it by its alias."""
        with self._database.changing() as connection:
            found = known_template(connection, tenant, name)
            return change_template(connection, self._changer, found, change)

    def remove(self, tenant: str, name: str) -> Template:
        """Forget it with its versions; returns what it was.

        Raises NotFoundError, ConflictError: what is published uses it.
        """
        with self._database.changing() as connection:
            found = known_template(connection, tenant, name)
            _refuse_used(connection, found, "it cannot be removed")
            own = TEMPLATE_VERSION.c.template_id == found.id
            connection.execute(sa.delete(TEMPLATE_VERSION).where(own))
            connection.execute(sa.delete(TEMPLATE).where(TEMPLATE.c.id == found.id))
            self._changer.note(connection, "template.removed", tenant, found.id, alias=found.alias)
            return found


def create_template(connection: Connection, changer: Changer, wish: TemplateWish) -> Template:
    """The same as ``create``, in a transaction."""
    check_alias(wish.alias)
    check_words("name", wish.name, MAX_NAME)
    if wish.kind not in KINDS:
        text = f"kind: {wish.kind!a} is none; there are {', '.join(KINDS)}"
        raise TenancyError(text, field="kind")
    tenant = known_tenant(connection, wish.tenant)
    _refuse_taken(connection, tenant.name, wish.alias)
    count = sa.select(sa.func.count()).select_from(TEMPLATE)
    there = connection.execute(count.where(TEMPLATE.c.tenant_id == tenant.id)).scalar_one()
    if there >= MAX_TEMPLATES:
        raise ConflictError(f"a tenant has at most {MAX_TEMPLATES} templates: remove some")
    template_id, now = changer.new_id(), changer.clock()
    connection.execute(
        sa.insert(TEMPLATE).values(
            id=template_id,
            tenant_id=tenant.id,
            alias=wish.alias,
            name=wish.name or wish.alias,
            kind=wish.kind,
            newest=0,
            created=now,
            changed=now,
        )
    )
    changer.note(
        connection, "template.created", tenant.name, template_id, alias=wish.alias, kind=wish.kind
    )
    return known_template(connection, tenant.name, template_id)


def change_template(
    connection: Connection, changer: Changer, found: Template, change: TemplateChange
) -> Template:
    """The same as ``change``, in a transaction."""
    alias = found.alias if change.alias is None else change.alias
    title = found.name if change.name is None else change.name
    check_words("name", title, MAX_NAME)
    if alias != found.alias:
        check_alias(alias)
        _refuse_taken(connection, found.tenant, alias)
        _refuse_used(connection, found, "its alias cannot be changed")
    connection.execute(
        sa.update(TEMPLATE)
        .where(TEMPLATE.c.id == found.id)
        .values(alias=alias, name=title or alias, changed=changer.clock())
    )
    changer.note(
        connection, "template.changed", found.tenant, found.id, alias=alias, before=found.alias
    )
    return known_template(connection, found.tenant, found.id)


def _refuse_taken(connection: Connection, tenant: str, alias: str) -> None:
    if read_templates(connection, TENANT.c.name == tenant, TEMPLATE.c.alias == alias):
        raise ConflictError(f"there is a template {alias!r} already", field="alias")


def _refuse_used(connection: Connection, template: Template, what: str) -> None:
    """Raises ConflictError."""
    users = published_users(connection, template)
    if users:
        names = ", ".join(each.alias for each in users[:10])
        more = f" and {len(users) - 10} more" if len(users) > 10 else ""
        raise ConflictError(f"{what}: {names}{more} use{'s' if len(users) == 1 else ''} it")

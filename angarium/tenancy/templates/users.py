"""Which versions use a layout or a partial, itself or by another one. Blocks on disk."""

from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.tenancy.tables import TEMPLATE, TEMPLATE_VERSION, TENANT
from angarium.tenancy.templates.model import Template
from angarium.tenancy.templates.rows import read_templates

_VERSIONS: Final = (
    sa.select(TEMPLATE.c.id, TEMPLATE_VERSION.c.number, TEMPLATE_VERSION.c.uses)
    .select_from(TEMPLATE.join(TENANT).join(TEMPLATE_VERSION))
    .order_by(TEMPLATE.c.alias, TEMPLATE_VERSION.c.number)
)


def published_users(connection: Connection, template: Template) -> list[Template]:
    """Return those whose published version uses it, by alias."""
    published = TEMPLATE_VERSION.c.number == TEMPLATE.c.published
    found = {template_id for template_id, _ in _users(connection, template, published)}
    if not found:
        return []
    of_tenant = read_templates(connection, TENANT.c.name == template.tenant)
    return [each for each in of_tenant if each.id in found]


def drafts_using(connection: Connection, template: Template) -> list[tuple[str, int]]:
    """Return ids and numbers of drafts that use it."""
    return _users(connection, template, TEMPLATE_VERSION.c.published.is_(None))


def _users(
    connection: Connection, template: Template, where: sa.ColumnElement[bool]
) -> list[tuple[str, int]]:
    if template.kind == "mail":
        return []
    # The pattern narrows it, for what SQL has of JSON differs; what is read decides
    named = TEMPLATE_VERSION.c.uses.contains(f'"{template.alias}"', autoescape=True)
    rows = connection.execute(_VERSIONS.where(TENANT.c.name == template.tenant, where, named))
    return [
        (row.id, row.number)
        for row in rows
        if template.alias in msgspec.json.decode(row.uses, type=list[str])
    ]

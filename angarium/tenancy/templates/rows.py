"""Rows of templates and their versions as values, and those that a name means. Blocks on disk."""

from collections import defaultdict
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.queue.model import UnixMs
from angarium.tenancy.model import NotFoundError
from angarium.tenancy.tables import TEMPLATE, TEMPLATE_VERSION, TENANT
from angarium.tenancy.templates.index import (
    IndexedTemplate,
    IndexedVersion,
    State,
    id_of_dynamic,
)
from angarium.tenancy.templates.model import Content, Template, Version, VersionHead

_TEMPLATES: Final = (
    sa.select(TEMPLATE, TENANT.c.name.label("tenant")).join(TENANT).order_by(TEMPLATE.c.alias)
)
_HEAD: Final = tuple(
    TEMPLATE_VERSION.c[name]
    for name in (
        *("number", "comment", "author", "digest", "uses", "created", "changed", "published"),
        "tag",
    )
)


def read_templates(
    connection: Connection, *where: sa.ColumnElement[bool], limit: int | None = None
) -> list[Template]:
    """By alias."""
    return [
        Template(
            id=row.id,
            tenant=row.tenant,
            alias=row.alias,
            name=row.name,
            kind=row.kind,
            published=row.published,
            newest=row.newest,
            created=UnixMs(row.created),
            changed=UnixMs(row.changed),
        )
        for row in connection.execute(_TEMPLATES.where(*where).limit(limit))
    ]


def known_template(connection: Connection, tenant: str, name: str) -> Template:
    """``name``: as ``TemplateIndex.find`` takes it, but for numbers. Raises NotFoundError."""
    ids = (name.lower(), id_of_dynamic(name))
    named = sa.or_(TEMPLATE.c.alias.in_((name, name.lower())), TEMPLATE.c.id.in_(ids))
    found = read_templates(connection, TENANT.c.name == tenant, named)
    for template in sorted(found, key=lambda each: each.alias != name):
        return template
    raise NotFoundError(
        f"there is no template {name[:100]!a}", "`postmaster template list` shows them"
    )


def read_heads(
    connection: Connection, template: Template, before: int | None = None, limit: int | None = None
) -> list[VersionHead]:
    """The newest first; ``before``: only those with a lower number."""
    where = [TEMPLATE_VERSION.c.template_id == template.id]
    if before is not None:
        where.append(TEMPLATE_VERSION.c.number < before)
    rows = connection.execute(
        sa.select(*_HEAD).where(*where).order_by(TEMPLATE_VERSION.c.number.desc()).limit(limit)
    )
    return [VersionHead(**_head(row, template)) for row in rows]


def known_version(connection: Connection, template: Template, number: int) -> Version:
    """Raises NotFoundError."""
    found = connection.execute(
        sa.select(*_HEAD, TEMPLATE_VERSION.c.content).where(
            TEMPLATE_VERSION.c.template_id == template.id, TEMPLATE_VERSION.c.number == number
        )
    ).one_or_none()
    if found is None:
        raise NotFoundError(
            f"template {template.alias} has no version {number}",
            f"`postmaster template show {template.alias}` has them",
            field="version",
        )
    return Version(**_head(found, template), content=read_content(found.content))


def find_published(connection: Connection, tenant: str, alias: str) -> Content | None:
    """Return what is published of a layout or partial; None: there is none, or nothing of it."""
    found = connection.execute(
        sa.select(TEMPLATE_VERSION.c.content)
        .select_from(TEMPLATE.join(TENANT).join(TEMPLATE_VERSION))
        .where(
            TENANT.c.name == tenant,
            TEMPLATE.c.alias == alias,
            TEMPLATE.c.kind != "mail",
            TEMPLATE_VERSION.c.number == TEMPLATE.c.published,
        )
    ).scalar()
    return None if found is None else read_content(found)


def read_index(connection: Connection) -> tuple[IndexedTemplate, ...]:
    """Return all templates of all tenants as they are published."""
    versions: dict[str, list[IndexedVersion]] = defaultdict(list)
    table = TEMPLATE_VERSION.c
    for row in connection.execute(
        sa.select(
            table.template_id, table.number, table.digest, table.published, table.tag
        ).order_by(table.template_id, table.number)
    ):
        versions[row.template_id].append(
            IndexedVersion(
                row.number, bytes.fromhex(row.digest), row.published is not None, row.tag
            )
        )
    return tuple(
        IndexedTemplate(
            tenant=row.tenant,
            id=row.id,
            alias=row.alias,
            kind=row.kind,
            published=row.published,
            versions=tuple(versions[row.id]),
        )
        for row in connection.execute(
            sa.select(TEMPLATE, TENANT.c.name.label("tenant")).join(TENANT).order_by(TEMPLATE.c.id)
        )
    )


def read_contents(connection: Connection, template: Template, room: int) -> dict[int, Content]:
    """Return those of the newest versions, by their numbers, as long as they have no more than ``room`` octets."""
    table = TEMPLATE_VERSION.c
    own = table.template_id == template.id
    sizes = sa.select(table.number, sa.func.length(table.content).label("characters"))
    numbers: list[int] = []
    for row in connection.execute(sizes.where(own).order_by(table.number.desc())):
        room -= row.characters
        if room < 0:
            break
        numbers.append(row.number)
    found = sa.select(table.number, table.content).where(own, table.number.in_(numbers))
    return {row.number: read_content(row.content) for row in connection.execute(found)}


def read_bundle(connection: Connection, digest: str) -> bytes:
    """Return the encoded bundle of a digest that a version has."""
    table = TEMPLATE_VERSION.c
    found = sa.select(table.bundle).where(table.digest == digest).limit(1)
    return bytes(connection.execute(found).scalar_one())


def content_text(content: Content) -> str:
    return msgspec.json.encode(content).decode()


def read_content(text: str) -> Content:
    return msgspec.json.decode(text, type=Content)


def state_of(template: Template, number: int, published: int | None) -> State:
    """``published``: when it last was."""
    if number == template.published:
        return "published"
    return "draft" if published is None else "retired"


def _head(row: Any, template: Template) -> dict[str, Any]:
    return {
        "number": row.number,
        "state": state_of(template, row.number, row.published),
        "comment": row.comment,
        "author": row.author,
        "digest": row.digest,
        "uses": msgspec.json.decode(row.uses, type=tuple[str, ...]),
        "created": UnixMs(row.created),
        "changed": UnixMs(row.changed),
        "published": None if row.published is None else UnixMs(row.published),
        "tag": row.tag,
    }

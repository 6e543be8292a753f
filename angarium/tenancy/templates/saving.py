"""How a version is kept, in a transaction of whoever keeps it: what was written, examined, and within bounds."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.templates.rendering import Examination
from angarium.tenancy.change import Changer
from angarium.tenancy.model import ConflictError
from angarium.tenancy.tables import TEMPLATE, TEMPLATE_VERSION, TENANT
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.kept import (
    bundle_values,
    made_ready,
    note_version,
    set_template,
    version_row,
)
from angarium.tenancy.templates.model import (
    MAX_COMMENT,
    MAX_OCTETS,
    MAX_VERSIONS,
    Content,
    Template,
    Version,
    VersionHead,
    check_words,
)
from angarium.tenancy.templates.publications import publish_version
from angarium.tenancy.templates.rows import content_text, known_template, known_version


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A version as it is kept, and what its examination found."""

    template: Template
    version: Version
    examination: Examination


def published_at_once(
    connection: Connection, changer: Changer, saved: Saved, examined: Examined
) -> Saved:
    number = saved.version.number
    found = publish_version(connection, changer, saved.template, number, examined)
    return Saved(template=found.template, version=found.version, examination=saved.examination)


def save_version(
    connection: Connection,
    changer: Changer,
    template: Template,
    content: Content,
    comment: str,
    examined: Examined,
    *,
    tag: str = "",
) -> Saved:
    """Make a draft of the next number. Raises TenancyError; ConflictError: there are too many, or too much."""
    count = sa.select(sa.func.count()).select_from(TEMPLATE_VERSION)
    own = TEMPLATE_VERSION.c.template_id == template.id
    if connection.execute(count.where(own)).scalar_one() >= MAX_VERSIONS:
        raise ConflictError(f"a template has at most {MAX_VERSIONS} versions: remove some")
    number, now = template.newest + 1, changer.clock()
    connection.execute(
        sa.insert(TEMPLATE_VERSION).values(
            template_id=template.id,
            number=number,
            content="",
            digest="",
            bundle=b"",
            uses="",
            octets=0,
            comment="",
            author="",
            created=now,
            changed=now,
            tag=tag,
        )
    )
    set_template(connection, template, newest=number)
    return write_version(
        connection, changer, template, number, content, comment, examined, "version_saved"
    )


def write_version(
    connection: Connection,
    changer: Changer,
    template: Template,
    number: int,
    content: Content,
    comment: str,
    examined: Examined,
    action: str,
) -> Saved:
    """Make another thing of a draft. Raises as ``save_version``. ``action``: what the audit calls it."""
    check_words("comment", comment, MAX_COMMENT)
    ready = made_ready(connection, template, content, examined)
    text, now = content_text(content), changer.clock()
    octets = len(text.encode()) + len(ready.bundled.encoded)
    connection.execute(
        sa.update(TEMPLATE_VERSION)
        .where(version_row(template.id, number))
        .values(
            content=text,
            **bundle_values(ready.bundled),
            octets=octets,
            comment=comment,
            author=changer.actor,
            changed=now,
        )
    )
    set_template(connection, template, changed=now)
    if _octets(connection, template.tenant) > MAX_OCTETS:
        text = f"a tenant's templates have at most {MAX_OCTETS} octets: remove versions of some"
        raise ConflictError(text)
    note_version(connection, changer, template, number, action)
    after = known_template(connection, template.tenant, template.id)
    version = known_version(connection, after, number)
    return Saved(template=after, version=version, examination=ready.examination)


def make_room(connection: Connection, template: Template, heads: Sequence[VersionHead]) -> None:
    """Where there are as many as there may be, forget the oldest retired one. ``heads``: all of them."""
    retired = [each.number for each in heads if each.state == "retired"]
    if len(heads) >= MAX_VERSIONS and retired:
        connection.execute(
            sa.delete(TEMPLATE_VERSION).where(version_row(template.id, min(retired)))
        )


def _octets(connection: Connection, tenant: str) -> int:
    statement = (
        sa.select(sa.func.sum(TEMPLATE_VERSION.c.octets))
        .select_from(TEMPLATE.join(TENANT).join(TEMPLATE_VERSION))
        .where(TENANT.c.name == tenant)
    )
    return int(connection.execute(statement).scalar_one())

"""What stores of versions do in a transaction of theirs: bundle what was written, see that it was examined, keep it."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.templates.rendering import Examination
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.rows import list_text
from angarium.tenancy.tables import TEMPLATE, TEMPLATE_VERSION
from angarium.tenancy.templates.bundling import Bundled, bundle_of
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.model import Content, Template, check_content
from angarium.tenancy.templates.rows import find_published


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A version that may be kept."""

    bundled: Bundled
    examination: Examination


@contextmanager
def changing(database: Database, examined: Examined) -> Iterator[Connection]:
    """Give a transaction that is undone where something in it has not been examined. Raises UnexaminedError."""
    with database.changing() as connection:
        yield connection
        examined.settle()


def made_ready(
    connection: Connection, template: Template, content: Content, examined: Examined
) -> Ready:
    """Raises TenancyError: it cannot be; TemplateError where something in it is wrong."""
    check_content(template.kind, content)
    bundled = bundle_of(
        template.kind, content, lambda alias: find_published(connection, template.tenant, alias)
    )
    return Ready(bundled=bundled, examination=examined.of(bundled, content))


def bundle_values(bundled: Bundled) -> dict[str, object]:
    """Return what its columns have."""
    return {
        "digest": bundled.digest,
        "bundle": bundled.encoded,
        "uses": list_text(bundled.uses),
    }


def version_row(template_id: str, number: int) -> sa.ColumnElement[bool]:
    table = TEMPLATE_VERSION.c
    return sa.and_(table.template_id == template_id, table.number == number)


def set_template(connection: Connection, template: Template, **values: object) -> None:
    statement = sa.update(TEMPLATE).where(TEMPLATE.c.id == template.id)
    connection.execute(statement.values(**values))


def note_version(
    connection: Connection,
    changer: Changer,
    template: Template,
    number: int,
    action: str,
    **more: str,
) -> None:
    """Leave the audit entry of what was done with a version."""
    details = {"alias": template.alias, "version": str(number), **more}
    changer.note(connection, f"template.{action}", template.tenant, template.id, **details)

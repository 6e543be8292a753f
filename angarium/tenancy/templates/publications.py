"""Which version of a template is used: it is published, or an older one again. Blocks on disk; what is returned is on
disk, with its audit entry.

A layout or partial counts as what is published of it. When another version of it is, the published mails that use it
are made anew with that one, in the same transaction, and so are drafts; what is retired stays as it was.
"""

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError
from angarium.tenancy.tables import TEMPLATE_VERSION
from angarium.tenancy.templates.bundling import Bundled
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.kept import (
    bundle_values,
    changing,
    made_ready,
    note_version,
    set_template,
    version_row,
)
from angarium.tenancy.templates.model import Template, TemplateError, Version
from angarium.tenancy.templates.rows import known_template, known_version, read_heads
from angarium.tenancy.templates.users import drafts_using, published_users


class Published(msgspec.Struct, frozen=True, kw_only=True):
    template: Template
    version: Version
    renewed: tuple[str, ...]  # aliases of what uses it, and is made with it from now on


class PublicationStore:
    """Each method raises UnexaminedError where ``examined`` lacks something, and TemplateError where a problem was
    found; nothing has changed then.
    """

    def __init__(self, database: Database, changer: Changer) -> None:
        self._database = database
        self._changer = changer

    def publish(self, tenant: str, name: str, number: int, examined: Examined) -> Published:
        """Have it used from now on.

        Raises NotFoundError; ConflictError: something published that uses it cannot be made with it.
        """
        with changing(self._database, examined) as connection:
            template = known_template(connection, tenant, name)
            return publish_version(connection, self._changer, template, number, examined)

    def roll_back(
        self, tenant: str, name: str, number: int | None, examined: Examined
    ) -> Published:
        """Publish an older version again; ``number``: None: the one that was published before.

        Raises NotFoundError; ConflictError as ``publish``, and if it was never published, or there is none.
        """
        with changing(self._database, examined) as connection:
            template = known_template(connection, tenant, name)
            retired = [each for each in read_heads(connection, template) if each.state == "retired"]
            if number is None:
                if not retired:
                    raise ConflictError(f"no version of {template.alias} was published before")
                number = max(retired, key=lambda each: (each.published or 0, each.number)).number
            elif number not in {each.number for each in retired}:
                known_version(connection, template, number)
                text = f"version {number} is none that was published before"
                raise ConflictError(text, field="version")
            return publish_version(
                connection, self._changer, template, number, examined, "rolled_back"
            )


def publish_version(
    connection: Connection,
    changer: Changer,
    template: Template,
    number: int,
    examined: Examined,
    action: str = "published",
) -> Published:
    """The same as ``publish``, in a transaction. ``action``: what the audit calls it."""
    version = known_version(connection, template, number)
    ready = made_ready(connection, template, version.content, examined)
    now = changer.clock()
    _renew(connection, template.id, number, ready.bundled, published=now)
    set_template(connection, template, published=number, changed=now)
    renewed = _renew_users(connection, template, examined)
    note_version(connection, changer, template, number, action, renewed=str(len(renewed)))
    after = known_template(connection, template.tenant, template.id)
    return Published(
        template=after, version=known_version(connection, after, number), renewed=renewed
    )


def _renew_users(connection: Connection, template: Template, examined: Examined) -> tuple[str, ...]:
    """Return the aliases of those that are published. Raises ConflictError: one cannot be made any more."""
    users = published_users(connection, template)
    for user in users:
        assert user.published is not None
        content = known_version(connection, user, user.published).content
        try:
            ready = made_ready(connection, user, content, examined)
        except TemplateError as error:
            text = f"{user.alias} uses it, and could not be rendered then: {error.text}"
            raise ConflictError(text) from None
        _renew(connection, user.id, user.published, ready.bundled)
    for template_id, number in drafts_using(connection, template):
        user = known_template(connection, template.tenant, template_id)
        content = known_version(connection, user, number).content
        try:
            ready = made_ready(connection, user, content, examined)
        except TemplateError:
            continue  # whoever publishes it is told
        _renew(connection, template_id, number, ready.bundled)
    return tuple(each.alias for each in users)


def _renew(
    connection: Connection, template_id: str, number: int, bundled: Bundled, **more: object
) -> None:
    statement = sa.update(TEMPLATE_VERSION).where(version_row(template_id, number))
    connection.execute(statement.values(**bundle_values(bundled), **more))

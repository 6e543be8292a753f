"""Versions of templates in the database, from drafts on. Blocks on disk; what is returned is on disk, with its audit
entry.
"""

from collections.abc import Callable, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.templates.rendering import Examination
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError, NotFoundError
from angarium.tenancy.tables import TEMPLATE, TEMPLATE_VERSION, TENANT
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.kept import (
    bundle_values,
    changing,
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
    TemplateChange,
    TemplateWish,
    Version,
    VersionHead,
    check_words,
)
from angarium.tenancy.templates.publications import publish_version
from angarium.tenancy.templates.rows import (
    content_text,
    known_template,
    known_version,
    read_bundle,
    read_heads,
)
from angarium.tenancy.templates.store import change_template, create_template


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A version as it is kept, and what its examination found."""

    template: Template
    version: Version
    examination: Examination


class VersionStore:
    """Each method that saves raises UnexaminedError where ``examined`` lacks something, and TemplateError where a
    problem was found; nothing has changed then.

    Invariant VS1: what is written in a version that was published stays as it is.
    """

    def __init__(self, database: Database, changer: Changer) -> None:
        self._database = database
        self._changer = changer

    def list(
        self, tenant: str, name: str, *, before: int | None = None, limit: int | None = None
    ) -> list[VersionHead]:
        """The newest first; ``before``: the number of the last one of the page before. Raises NotFoundError."""
        with self._database.reading() as connection:
            return read_heads(connection, known_template(connection, tenant, name), before, limit)

    def find(self, tenant: str, name: str, number: int | None = None) -> Version:
        """``number``: None: the published one, or else the newest. Raises NotFoundError."""
        with self._database.reading() as connection:
            template = known_template(connection, tenant, name)
            return known_version(connection, template, _number(template, number))

    def find_with_bundle(
        self, tenant: str, name: str, number: int | None = None
    ) -> tuple[Version, bytes]:
        """The same, with what it is rendered from, encoded. Raises NotFoundError."""
        with self._database.reading() as connection:
            template = known_template(connection, tenant, name)
            version = known_version(connection, template, _number(template, number))
            return version, read_bundle(connection, version.digest)

    def find_current(self, tenant: str, name: str) -> tuple[Template, Version]:
        """What an author works on: see ``current``. Raises NotFoundError."""
        with self._database.reading() as connection:
            template = known_template(connection, tenant, name)
            number = _number(template, current(read_heads(connection, template)))
            return template, known_version(connection, template, number)

    def pair(
        self, tenant: str, name: str, old: int | None, new: int | None
    ) -> tuple[Version, Version]:
        """Return two to be compared; None: the published one, and the newest that is there. Raises NotFoundError."""
        with self._database.reading() as connection:
            template = known_template(connection, tenant, name)
            if new is None:
                new = next((each.number for each in read_heads(connection, template, limit=1)), 0)
            before = known_version(connection, template, _number(template, old))
            return before, known_version(connection, template, new)

    def create(
        self,
        wish: TemplateWish,
        content: Content,
        comment: str,
        examined: Examined,
        *,
        publish: bool = False,
    ) -> Saved:
        """Make a template with a first version. Raises TenancyError, as ``TemplateStore.create`` and ``save``."""
        with changing(self._database, examined) as connection:
            template = create_template(connection, self._changer, wish)
            saved = self._save(connection, template, content, comment, examined)
            return self._published(connection, saved, examined) if publish else saved

    def copy(
        self, wish: TemplateWish, source: str, number: int | None, examined: Examined
    ) -> Saved:
        """Make a template of a version of another one, of its kind. Raises TenancyError."""
        with changing(self._database, examined) as connection:
            original = known_template(connection, wish.tenant, source)
            version = known_version(connection, original, _number(original, number))
            same = msgspec.structs.replace(wish, kind=original.kind)
            template = create_template(connection, self._changer, same)
            comment = f"copied from {original.alias}, version {version.number}"
            return self._save(connection, template, version.content, comment, examined)

    def save(
        self,
        tenant: str,
        name: str,
        content: Content,
        comment: str,
        examined: Examined,
        *,
        publish: bool = False,
    ) -> Saved:
        """Keep a new version, a draft unless it is published at once.

        Raises NotFoundError, TenancyError: there are too many, or it is too large; and as ``publish``.
        """
        with changing(self._database, examined) as connection:
            template = known_template(connection, tenant, name)
            saved = self._save(connection, template, content, comment, examined)
            return self._published(connection, saved, examined) if publish else saved

    def edit(
        self,
        tenant: str,
        name: str,
        number: int,
        rewrite: Callable[[Content], Content],
        comment: str | None,
        examined: Examined,
    ) -> Saved:
        """Make another thing of a draft; comment None: it stays.

        Raises NotFoundError, TenancyError; ConflictError: it was published, and stays as it is.
        """
        with changing(self._database, examined) as connection:
            template = known_template(connection, tenant, name)
            before = known_version(connection, template, number)
            if before.published is not None:
                text = f"version {number} was published, and stays as it is: save another one"
                raise ConflictError(text, field="version")  # VS1
            return self._write(
                connection,
                template,
                number,
                rewrite(before.content),
                before.comment if comment is None else comment,
                examined,
                "version_changed",
            )

    def rewrite(
        self,
        tenant: str,
        name: str,
        rewrite: Callable[[Content], Content],
        change: TemplateChange,
        examined: Examined,
        *,
        publish: bool,
    ) -> Saved:
        """Make another thing of the current version: a draft is changed, another one is followed by a new version.

        For who knows of no versions, and can remove none: where there are too many, the oldest retired one is
        forgotten. Raises as ``save`` and ``TemplateStore.change``.
        """
        with changing(self._database, examined) as connection:
            template = known_template(connection, tenant, name)
            if change != TemplateChange():
                template = change_template(connection, self._changer, template, change)
            heads = read_heads(connection, template)
            before = known_version(connection, template, _number(template, current(heads)))
            content = rewrite(before.content)
            if before.published is None:
                saved = self._write(
                    connection,
                    template,
                    before.number,
                    content,
                    before.comment,
                    examined,
                    "version_changed",
                )
            else:
                retired = [each.number for each in heads if each.state == "retired"]
                if len(heads) >= MAX_VERSIONS and retired:
                    own = version_row(template.id, min(retired))
                    connection.execute(sa.delete(TEMPLATE_VERSION).where(own))
                saved = self._save(connection, template, content, "", examined)
            return self._published(connection, saved, examined) if publish else saved

    def remove(self, tenant: str, name: str, number: int) -> VersionHead:
        """Forget a version; returns what it was. Raises NotFoundError, ConflictError: it is the published one."""
        with self._database.changing() as connection:
            template = known_template(connection, tenant, name)
            version = known_version(connection, template, number)
            if version.state == "published":
                text = f"version {number} is the published one: publish another one first"
                raise ConflictError(text, field="version")
            own = version_row(template.id, number)
            connection.execute(sa.delete(TEMPLATE_VERSION).where(own))
            set_template(connection, template, changed=self._changer.clock())
            note_version(connection, self._changer, template, number, "version_removed")
            return version

    def _published(self, connection: Connection, saved: Saved, examined: Examined) -> Saved:
        number = saved.version.number
        found = publish_version(connection, self._changer, saved.template, number, examined)
        return Saved(template=found.template, version=found.version, examination=saved.examination)

    def _save(
        self,
        connection: Connection,
        template: Template,
        content: Content,
        comment: str,
        examined: Examined,
    ) -> Saved:
        count = sa.select(sa.func.count()).select_from(TEMPLATE_VERSION)
        own = TEMPLATE_VERSION.c.template_id == template.id
        if connection.execute(count.where(own)).scalar_one() >= MAX_VERSIONS:
            raise ConflictError(f"a template has at most {MAX_VERSIONS} versions: remove some")
        number, now = template.newest + 1, self._changer.clock()
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
            )
        )
        set_template(connection, template, newest=number)
        return self._write(
            connection, template, number, content, comment, examined, "version_saved"
        )

    def _write(
        self,
        connection: Connection,
        template: Template,
        number: int,
        content: Content,
        comment: str,
        examined: Examined,
        action: str,
    ) -> Saved:
        """Raises ConflictError: the tenant has too much."""
        check_words("comment", comment, MAX_COMMENT)
        ready = made_ready(connection, template, content, examined)
        text, now = content_text(content), self._changer.clock()
        octets = len(text.encode()) + len(ready.bundled.encoded)
        connection.execute(
            sa.update(TEMPLATE_VERSION)
            .where(version_row(template.id, number))
            .values(
                content=text,
                **bundle_values(ready.bundled),
                octets=octets,
                comment=comment,
                author=self._changer.actor,
                changed=now,
            )
        )
        set_template(connection, template, changed=now)
        if _octets(connection, template.tenant) > MAX_OCTETS:
            text = f"a tenant's templates have at most {MAX_OCTETS} octets: remove versions of some"
            raise ConflictError(text)
        note_version(connection, self._changer, template, number, action)
        after = known_template(connection, template.tenant, template.id)
        version = known_version(connection, after, number)
        return Saved(template=after, version=version, examination=ready.examination)


def _octets(connection: Connection, tenant: str) -> int:
    statement = (
        sa.select(sa.func.sum(TEMPLATE_VERSION.c.octets))
        .select_from(TEMPLATE.join(TENANT).join(TEMPLATE_VERSION))
        .where(TENANT.c.name == tenant)
    )
    return int(connection.execute(statement).scalar_one())


def current(heads: Sequence[VersionHead]) -> int | None:
    """Return the newest one's number if it is a draft, or else the published one's, or the newest one's.

    ``heads``: all, the newest first. None: there is none.
    """
    if not heads:
        return None
    published = [each.number for each in heads if each.state == "published"]
    newest = heads[0]
    return newest.number if newest.state == "draft" or not published else published[0]


def _number(template: Template, number: int | None) -> int:
    """Raises NotFoundError: there is none yet."""
    found = template.published or template.newest if number is None else number
    if not found:
        raise NotFoundError(f"template {template.alias} has no version yet", field="version")
    return found

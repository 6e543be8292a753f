"""Versions of templates in the database, from drafts on. Blocks on disk; what is returned is on disk, with its audit
entry.
"""

from collections.abc import Callable, Sequence

import msgspec
import sqlalchemy as sa

from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError, NotFoundError
from angarium.tenancy.tables import TEMPLATE_VERSION
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.kept import (
    changing,
    note_version,
    set_template,
    version_row,
)
from angarium.tenancy.templates.model import (
    Content,
    Template,
    TemplateChange,
    TemplateWish,
    Version,
    VersionHead,
)
from angarium.tenancy.templates.rows import (
    known_template,
    known_version,
    read_bundle,
    read_heads,
)
from angarium.tenancy.templates.saving import (
    Saved,
    make_room,
    published_at_once,
    save_version,
    write_version,
)
from angarium.tenancy.templates.store import change_template, create_template


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
            saved = save_version(connection, self._changer, template, content, comment, examined)
            return (
                published_at_once(connection, self._changer, saved, examined) if publish else saved
            )

    def copy(
        self,
        wish: TemplateWish,
        source: str,
        number: int | None,
        examined: Examined,
        *,
        publish: bool = False,
    ) -> Saved:
        """Make a template of a version of another one, of its kind. Raises TenancyError."""
        with changing(self._database, examined) as connection:
            original = known_template(connection, wish.tenant, source)
            version = known_version(connection, original, _number(original, number))
            same = msgspec.structs.replace(wish, kind=original.kind)
            template = create_template(connection, self._changer, same)
            comment = f"copied from {original.alias}, version {version.number}"
            saved = save_version(
                connection, self._changer, template, version.content, comment, examined
            )
            if publish:
                return published_at_once(connection, self._changer, saved, examined)
            return saved

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
            saved = save_version(connection, self._changer, template, content, comment, examined)
            return (
                published_at_once(connection, self._changer, saved, examined) if publish else saved
            )

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
            return write_version(
                connection,
                self._changer,
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
                saved = write_version(
                    connection,
                    self._changer,
                    template,
                    before.number,
                    content,
                    before.comment,
                    examined,
                    "version_changed",
                )
            else:
                make_room(connection, template, heads)
                saved = save_version(connection, self._changer, template, content, "", examined)
            return (
                published_at_once(connection, self._changer, saved, examined) if publish else saved
            )

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

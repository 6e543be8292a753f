"""Versions as vendors' clients have them: each has a name, and what is written in it can be changed. Blocks on disk;
what is returned is on disk, with its audit entry.

A version that was published stays as it is here, too (VS1): where a client changes it, another one with the same tag
follows. Of several with one name the published one counts, or else the newest.
"""

import contextlib
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError, NotFoundError
from angarium.tenancy.tables import TEMPLATE_VERSION
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.kept import changing, note_version, set_template, version_row
from angarium.tenancy.templates.model import (
    Content,
    Template,
    TemplateWish,
    Version,
    VersionHead,
    check_tag,
)
from angarium.tenancy.templates.naming import Named, NamedVersion, Naming, VersionEdit
from angarium.tenancy.templates.publications import publish_version
from angarium.tenancy.templates.rows import (
    known_template,
    known_version,
    read_contents,
    read_heads,
)
from angarium.tenancy.templates.saving import (
    make_room,
    published_at_once,
    save_version,
    write_version,
)
from angarium.tenancy.templates.store import create_template


class NamedVersionStore:
    """Of mails alone: layouts and partials have no versions for vendors' clients.

    Each method raises NotFoundError. Each that saves raises UnexaminedError where ``examined`` lacks something, and
    TenancyError; nothing has changed then.
    """

    def __init__(self, database: Database, changer: Changer) -> None:
        self._database = database
        self._changer = changer

    def list(self, tenant: str, name: str, naming: Naming) -> tuple[Template, Sequence[Named]]:
        """The newest first."""
        with self._database.reading() as connection:
            template = _mail(connection, tenant, name)
            return template, _named(connection, template, naming)

    def list_all(
        self, tenant: str, ids: Sequence[str], naming: Naming
    ) -> Sequence[tuple[Template, Sequence[Named]]]:
        """Return those of each template, in this order. What has gone is left out."""
        found: list[tuple[Template, Sequence[Named]]] = []
        with self._database.reading() as connection:
            for each in ids:
                with contextlib.suppress(NotFoundError):
                    template = _mail(connection, tenant, each)
                    found.append((template, _named(connection, template, naming)))
        return found

    def list_with_contents(
        self, tenant: str, name: str, naming: Naming, *, room: int
    ) -> tuple[Template, Sequence[Named], Mapping[int, Content]]:
        """The same, with what the newest are written, by their numbers: ``room`` octets at most."""
        with self._database.reading() as connection:
            template = _mail(connection, tenant, name)
            contents = read_contents(connection, template, room)
            return template, _named(connection, template, naming), contents

    def find(self, tenant: str, name: str, version: str, naming: Naming) -> NamedVersion:
        with self._database.reading() as connection:
            template = _mail(connection, tenant, name)
            return _whole(connection, template, _known(connection, template, version, naming))

    def find_active(self, tenant: str, name: str, naming: Naming) -> NamedVersion | None:
        with self._database.reading() as connection:
            template = _mail(connection, tenant, name)
            for each in _named(connection, template, naming):
                if each.is_active:
                    return _whole(connection, template, each)
            return None

    def create(
        self,
        wish: TemplateWish,
        content: Content,
        comment: str,
        examined: Examined,
        naming: Naming,
        *,
        tag: str,
    ) -> NamedVersion:
        """Make a template with a first version, which is published."""
        check_tag(tag)
        with changing(self._database, examined) as connection:
            template = create_template(connection, self._changer, wish)
            saved = save_version(
                connection, self._changer, template, content, comment, examined, tag=tag
            )
            published_at_once(connection, self._changer, saved, examined)
            return _of_number(connection, template, saved.version.number, naming)

    def save(
        self,
        tenant: str,
        name: str,
        content: Content,
        comment: str,
        examined: Examined,
        naming: Naming,
        *,
        tag: str = "",
        publish: bool = False,
    ) -> NamedVersion:
        """Keep another version; a template's first one is published in any case. ``tag``: "": it is named by number.

        Raises ConflictError, with the field ``tag``: there is one of this name.
        """
        with changing(self._database, examined) as connection:
            template = _mail(connection, tenant, name)
            there = _named(connection, template, naming)
            if tag:
                check_tag(tag)
                if any(each.name.lower() == tag.lower() for each in there):
                    raise ConflictError(f"there is a version {tag!r} already", field="tag")
            saved = save_version(
                connection, self._changer, template, content, comment, examined, tag=tag
            )
            if publish or not there:
                saved = published_at_once(connection, self._changer, saved, examined)
            return _of_number(connection, saved.template, saved.version.number, naming)

    def edit(
        self,
        tenant: str,
        name: str,
        version: str,
        edit: VersionEdit,
        examined: Examined,
        naming: Naming,
    ) -> NamedVersion:
        with changing(self._database, examined) as connection:
            template = _mail(connection, tenant, name)
            before = _known(connection, template, version, naming)
            return self._edit(connection, template, before, edit, examined, naming)

    def copy(
        self,
        tenant: str,
        name: str,
        version: str,
        tag: str,
        comment: str | None,
        examined: Examined,
        naming: Naming,
    ) -> NamedVersion:
        """Have a version with the tag say the same, whether it is there or not. ``comment``: None: the same, too."""
        with changing(self._database, examined) as connection:
            template = _mail(connection, tenant, name)
            source = _whole(connection, template, _known(connection, template, version, naming))
            words = source.head.comment if comment is None else comment
            for each in _named(connection, template, naming):
                if each.name.lower() == tag.lower():
                    edit = VersionEdit(rewrite=lambda _: source.content, comment=words)
                    return self._edit(connection, template, each, edit, examined, naming)
            check_tag(tag)
            saved = save_version(
                connection, self._changer, template, source.content, words, examined, tag=tag
            )
            return _of_number(connection, saved.template, saved.version.number, naming)

    def remove(self, tenant: str, name: str, version: str, naming: Naming) -> Named:
        """Forget all of this name. Where one is published, nothing of the template is any more."""
        with self._database.changing() as connection:
            template = _mail(connection, tenant, name)
            found = _known(connection, template, version, naming)
            table = TEMPLATE_VERSION.c
            own = sa.and_(table.template_id == template.id, table.number.in_(found.numbers))
            connection.execute(sa.delete(TEMPLATE_VERSION).where(own))
            published = None if template.published in found.numbers else template.published
            set_template(connection, template, changed=self._changer.clock(), published=published)
            for number in found.numbers:
                note_version(connection, self._changer, template, number, "version_removed")
            return found

    def _edit(
        self,
        connection: Connection,
        template: Template,
        before: Named,
        edit: VersionEdit,
        examined: Examined,
        naming: Naming,
    ) -> NamedVersion:
        version = known_version(connection, template, before.head.number)
        content = edit.rewrite(version.content)
        comment = version.comment if edit.comment is None else edit.comment
        publish = edit.publish or before.is_active
        number = version.number
        if (content, comment) != (version.content, version.comment):
            number = self._write(connection, template, before, version, content, comment, examined)
        elif before.is_active:
            publish = False  # as it is
        if publish:
            publish_version(connection, self._changer, template, number, examined)
        return _of_number(connection, template, number, naming)

    def _write(
        self,
        connection: Connection,
        template: Template,
        before: Named,
        version: Version,
        content: Content,
        comment: str,
        examined: Examined,
    ) -> int:
        """Return the number of the version that has it."""
        if version.published is None:
            write_version(
                connection,
                self._changer,
                template,
                version.number,
                content,
                comment,
                examined,
                "version_changed",
            )
            return version.number
        make_room(connection, template, read_heads(connection, template))
        saved = save_version(
            connection, self._changer, template, content, comment, examined, tag=before.name
        )
        first = min(before.numbers)
        if not version.tag:  # it is known by the name of its number: now that is its tag
            own = version_row(template.id, first)
            connection.execute(sa.update(TEMPLATE_VERSION).where(own).values(tag=before.name))
        return saved.version.number


def _mail(connection: Connection, tenant: str, name: str) -> Template:
    template = known_template(connection, tenant, name)
    if template.kind != "mail":
        text = f"there is no mail {name[:100]!a}: it is a {template.kind}"
        raise NotFoundError(text, "`postmaster template list` shows them")
    return template


def _named(connection: Connection, template: Template, naming: Naming) -> list[Named]:
    """The newest first, as their first versions are."""
    groups: dict[str, list[VersionHead]] = {}
    for head in read_heads(connection, template):
        groups.setdefault(head.tag or naming(template, head), []).append(head)
    found = [_counting(name, heads) for name, heads in groups.items()]
    return sorted(found, key=lambda each: min(each.numbers), reverse=True)


def _counting(name: str, heads: Sequence[VersionHead]) -> Named:
    """``heads``: of one name, the newest first."""
    published = [each for each in heads if each.state == "published"]
    return Named(
        name=name,
        head=(published or heads)[0],
        created=heads[-1].created,
        numbers=tuple(each.number for each in heads),
    )


def _known(connection: Connection, template: Template, version: str, naming: Naming) -> Named:
    for each in _named(connection, template, naming):
        if each.name.lower() == version.lower():
            return each
    text = f"template {template.alias} has no version {version[:100]!a}"
    raise NotFoundError(text, f"`postmaster template show {template.alias}` has them")


def _of_number(
    connection: Connection, template: Template, number: int, naming: Naming
) -> NamedVersion:
    """What has just been written."""
    after = known_template(connection, template.tenant, template.id)
    (found,) = [each for each in _named(connection, after, naming) if number in each.numbers]
    return _whole(connection, after, found)


def _whole(connection: Connection, template: Template, found: Named) -> NamedVersion:
    content = known_version(connection, template, found.head.number).content
    fields = {name: getattr(found, name) for name in Named.__struct_fields__}
    return NamedVersion(**fields, template=template, content=content)

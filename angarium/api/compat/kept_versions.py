"""The versions of a tenant's mails as vendors' clients keep them: by a name each, and changed in place."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from angarium.api.compat.kept_templates import in_dialect
from angarium.api.native.premises import Premises
from angarium.api.native.template_access import TemplateAccess
from angarium.intake.order import Caller
from angarium.templates.mustache.translation import Dialect
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.model import Content, Template, TemplateWish
from angarium.tenancy.templates.naming import Named, NamedVersion, Naming, VersionEdit

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform


class VersionWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new version is to be."""

    content: Content
    comment: str = ""
    tag: str = ""  # "": it is named by its number
    publish: bool = False


class KeptVersions:
    """What is saved is in the mustache of ``dialect``. Each method raises FaultError, with native names of fields.

    ``naming``: what versions are called that have no tag. ``name``: of a template, an id or an alias.
    """

    def __init__(self, premises: Premises, dialect: Dialect, naming: Naming) -> None:
        self._platform = premises.platform
        self._access = TemplateAccess(premises)
        self._dialect = dialect
        self._naming = naming

    async def list(self, caller: Caller, name: str) -> tuple[Template, Sequence[Named]]:
        return await self._platform.run(
            lambda platform: platform.named_versions.list(caller.tenant, name, self._naming),
            by=caller,
        )

    async def list_with_contents(
        self, caller: Caller, name: str, *, room: int
    ) -> tuple[Template, Sequence[Named], Mapping[int, Content]]:
        """The same, with what the newest are written, by their numbers: ``room`` octets at most."""
        return await self._platform.run(
            lambda platform: platform.named_versions.list_with_contents(
                caller.tenant, name, self._naming, room=room
            ),
            by=caller,
        )

    async def list_all(
        self, caller: Caller, templates: Sequence[Template]
    ) -> Sequence[tuple[Template, Sequence[Named]]]:
        """Those of each, in this order; a template that has gone meanwhile is left out."""

        def find(platform: "Platform") -> Sequence[tuple[Template, Sequence[Named]]]:
            return platform.named_versions.list_all(
                caller.tenant, [each.id for each in templates], self._naming
            )

        return await self._platform.run(find, by=caller)

    async def find(self, caller: Caller, name: str, version: str) -> NamedVersion:
        return await self._platform.run(
            lambda platform: platform.named_versions.find(
                caller.tenant, name, version, self._naming
            ),
            by=caller,
        )

    async def find_active(self, caller: Caller, name: str) -> NamedVersion | None:
        return await self._platform.run(
            lambda platform: platform.named_versions.find_active(caller.tenant, name, self._naming),
            by=caller,
        )

    async def create(
        self, caller: Caller, *, alias: str, name: str, wish: VersionWish
    ) -> NamedVersion:
        """Make a template of it, in which it is published."""
        written = msgspec.structs.replace(wish.content, syntax="mustache", dialect=self._dialect)
        template = TemplateWish(tenant=caller.tenant, alias=alias, name=name)

        def create(platform: "Platform", examined: Examined) -> NamedVersion:
            return platform.named_versions.create(
                template, written, wish.comment, examined, self._naming, tag=wish.tag
            )

        return await self._access.change(caller, caller.tenant, create)

    async def save(self, caller: Caller, name: str, wish: VersionWish) -> NamedVersion:
        """A template's first version is published in any case."""
        written = msgspec.structs.replace(wish.content, syntax="mustache", dialect=self._dialect)

        def save(platform: "Platform", examined: Examined) -> NamedVersion:
            return platform.named_versions.save(
                caller.tenant,
                name,
                written,
                wish.comment,
                examined,
                self._naming,
                tag=wish.tag,
                publish=wish.publish,
            )

        return await self._access.change(caller, caller.tenant, save)

    async def edit(
        self, caller: Caller, name: str, version: str, edit: VersionEdit
    ) -> NamedVersion:
        own = msgspec.structs.replace(edit, rewrite=in_dialect(edit.rewrite, self._dialect))

        def change(platform: "Platform", examined: Examined) -> NamedVersion:
            return platform.named_versions.edit(
                caller.tenant, name, version, own, examined, self._naming
            )

        return await self._access.change(caller, caller.tenant, change)

    async def publish(self, caller: Caller, name: str, version: str) -> NamedVersion:
        """Whatever it is written in."""
        edit = VersionEdit(rewrite=lambda same: same, publish=True)

        def change(platform: "Platform", examined: Examined) -> NamedVersion:
            return platform.named_versions.edit(
                caller.tenant, name, version, edit, examined, self._naming
            )

        return await self._access.change(caller, caller.tenant, change)

    async def copy(
        self, caller: Caller, name: str, version: str, tag: str, comment: str | None
    ) -> NamedVersion:
        """``comment``: None: that of the version."""

        def copy(platform: "Platform", examined: Examined) -> NamedVersion:
            return platform.named_versions.copy(
                caller.tenant, name, version, tag, comment, examined, self._naming
            )

        return await self._access.change(caller, caller.tenant, copy)

    async def remove(self, caller: Caller, name: str, version: str) -> Named:
        return await self._platform.run(
            lambda platform: platform.named_versions.remove(
                caller.tenant, name, version, self._naming
            ),
            by=caller,
        )

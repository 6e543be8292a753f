"""The templates of a tenant as vendors' clients keep them: mails of one language, without numbers of versions."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from angarium.api.native.premises import Premises
from angarium.api.native.template_access import Asking, TemplateAccess
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.templates.bundle import Parts
from angarium.templates.mustache.translation import Dialect
from angarium.tenancy import NotFoundError
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.index import Kind
from angarium.tenancy.templates.model import (
    Content,
    Template,
    TemplateChange,
    TemplateWish,
    Version,
)
from angarium.tenancy.templates.preview import Preview

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform
    from angarium.tenancy.templates.publications import Published
    from angarium.tenancy.templates.saving import Saved

_OTHERS: Final = re.compile(r"[^a-z0-9]+")
_ALIAS_CHARACTERS: Final = 80  # ours, of one that is made of a name


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A template, and the version that its author works on."""

    template: Template
    version: Version

    @property
    def parts(self) -> Parts:
        content = self.version.content
        return content.locales[content.default_locale]


class KeptTemplates:
    """What is saved is in the mustache of ``dialect``. Each method raises FaultError, with native names of fields."""

    def __init__(self, premises: Premises, dialect: Dialect) -> None:
        self._platform = premises.platform
        self._access = TemplateAccess(premises)
        self._dialect = dialect

    async def list(self, caller: Caller, *, kind: Kind | None = "mail") -> Sequence[Template]:
        """The newest first. ``kind``: None: any."""
        found = await self._platform.run(
            lambda platform: platform.templates.list(caller.tenant, kind=kind), by=caller
        )
        return sorted(found, key=lambda each: (each.created, each.id), reverse=True)

    async def published_at(
        self, caller: Caller, templates: Sequence[Template]
    ) -> Mapping[str, UnixMs]:
        """Return when what is published of each was, by its id."""

        def published(platform: "Platform") -> dict[str, UnixMs]:
            found: dict[str, UnixMs] = {}
            for each in templates:
                if each.published is not None:
                    before = each.published + 1
                    (head,) = platform.template_versions.list(
                        caller.tenant, each.id, before=before, limit=1
                    )
                    if head.published is not None:
                        found[each.id] = head.published
            return found

        return await self._platform.run(published, by=caller)

    async def versions(self, caller: Caller, templates: Sequence[Template]) -> Mapping[str, Kept]:
        """Return what the author of each works on, by its id; of one without a version nothing."""

        def find(platform: "Platform") -> dict[str, Kept]:
            found: dict[str, Kept] = {}
            for each in templates:
                with suppress(NotFoundError):
                    template, version = platform.template_versions.find_current(
                        caller.tenant, each.id
                    )
                    found[each.id] = Kept(template=template, version=version)
            return found

        return await self._platform.run(find, by=caller)

    async def find(self, caller: Caller, name: str) -> Kept:
        """``name``: an id or an alias."""
        template, version = await self._platform.run(
            lambda platform: platform.template_versions.find_current(caller.tenant, name),
            by=caller,
        )
        return Kept(template=template, version=version)

    async def create(
        self,
        caller: Caller,
        *,
        alias: str,
        name: str,
        content: Content,
        publish: bool,
        kind: Kind = "mail",
    ) -> Kept:
        """``alias``: empty: one that is made of the name. ``content``: of one language."""
        written = msgspec.structs.replace(content, syntax="mustache", dialect=self._dialect)

        def create(platform: "Platform", examined: Examined) -> "Saved":
            wish = TemplateWish(
                tenant=caller.tenant,
                alias=alias or _free(platform, caller, name),
                name=name,
                kind=kind,
            )
            return platform.template_versions.create(wish, written, "", examined, publish=publish)

        return _kept(await self._access.change(caller, caller.tenant, create))

    async def create_empty(self, caller: Caller, *, name: str, alias: str = "") -> Template:
        """Without any version yet. ``alias``: empty: one that is made of the name."""

        def create(platform: "Platform") -> Template:
            return platform.templates.create(
                TemplateWish(
                    tenant=caller.tenant,
                    alias=alias or _free(platform, caller, name),
                    name=name,
                )
            )

        return await self._platform.run(create, by=caller)

    async def change(self, caller: Caller, name: str, change: TemplateChange) -> Template:
        return await self._platform.run(
            lambda platform: platform.templates.change(caller.tenant, name, change), by=caller
        )

    async def rewrite(
        self,
        caller: Caller,
        name: str,
        rewrite: Callable[[Content], Content],
        change: TemplateChange,
        *,
        publish: bool,
    ) -> Kept:
        """``rewrite``: of what the author works on; parts of other languages stay."""

        def save(platform: "Platform", examined: Examined) -> "Saved":
            return platform.template_versions.rewrite(
                caller.tenant,
                name,
                in_dialect(rewrite, self._dialect),
                change,
                examined,
                publish=publish,
            )

        return _kept(await self._access.change(caller, caller.tenant, save))

    async def publish(self, caller: Caller, name: str) -> Template:
        """Have what the author works on used from now on."""

        def publish(platform: "Platform", examined: Examined) -> "Published":
            template, version = platform.template_versions.find_current(caller.tenant, name)
            return platform.template_publications.publish(
                caller.tenant, template.id, version.number, examined
            )

        return (await self._access.change(caller, caller.tenant, publish)).template

    async def copy(
        self, caller: Caller, name: str, *, title: str = "", publish: bool = False
    ) -> Kept:
        """Make a template of what the author works on, with an alias of its own. ``title``: "": made of its own."""

        def copy(platform: "Platform", examined: Examined) -> "Saved":
            template, version = platform.template_versions.find_current(caller.tenant, name)
            alias = _free(platform, caller, title or f"{template.alias[:_ALIAS_CHARACTERS]} copy")
            name_of_copy = title or f"{template.name[:100]} (Copy)"
            wish = TemplateWish(tenant=caller.tenant, alias=alias, name=name_of_copy)
            return platform.template_versions.copy(
                wish, template.id, version.number, examined, publish=publish
            )

        return _kept(await self._access.change(caller, caller.tenant, copy))

    async def preview(self, caller: Caller, name: str, data: Mapping[str, Any]) -> Preview:
        """Return the mail that what is published makes. Sends nothing."""
        asking = Asking(caller=caller, tenant=caller.tenant, name=name)
        found, _ = await self._access.preview(asking, None, data=data, locale="")
        return found

    async def remove_own(self, caller: Caller) -> None:
        """Forget all mails that are written in our mustache, and those in which nothing is."""

        def remove(platform: "Platform") -> None:
            for each in platform.templates.list(caller.tenant, kind="mail"):
                with suppress(NotFoundError):
                    _, version = platform.template_versions.find_current(caller.tenant, each.id)
                    if version.content.dialect != self._dialect:
                        continue
                platform.templates.remove(caller.tenant, each.id)

        await self._platform.run(remove, by=caller)

    async def remove(self, caller: Caller, name: str) -> Template:
        return await self._platform.run(
            lambda platform: platform.templates.remove(caller.tenant, name), by=caller
        )


def in_dialect(
    rewrite: Callable[[Content], Content], dialect: Dialect
) -> Callable[[Content], Content]:
    """Return what rewrites a version that is in a mustache already; others it refuses, by FaultError."""

    def rewritten(before: Content) -> Content:
        if before.syntax != "mustache":
            text = f"it is written in {before.syntax}, which this vendor has not: change it by /v1/templates"
            raise FaultError(Fault(kind=FaultKind.CONFLICT, message=text))
        return msgspec.structs.replace(rewrite(before), dialect=dialect)

    return rewritten


def with_parts(content: Content, **parts: str | None) -> Content:
    """Return it with these parts changed in its default language."""
    default = content.default_locale
    changed = msgspec.structs.replace(content.locales[default], **parts)
    return msgspec.structs.replace(content, locales={**content.locales, default: changed})


def new_content(parts: Parts) -> Content:
    """Variables that are missing are empty, as in the mustaches of all vendors but SES."""
    return Content(locales={"en": parts}, syntax="mustache", missing="lenient")


def _kept(saved: "Saved") -> Kept:
    return Kept(template=saved.template, version=saved.version)


def _free(platform: "Platform", caller: Caller, name: str) -> str:
    """Return an alias that nothing has yet: ``order-sent``, ``order-sent-2``, ..."""
    taken = {each.alias for each in platform.templates.list(caller.tenant)}
    base = _OTHERS.sub("-", name.lower())[:_ALIAS_CHARACTERS].strip("-") or "template"
    alias, number = base, 1
    while alias in taken:
        number += 1
        alias = f"{base}-{number}"
    return alias

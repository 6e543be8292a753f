"""/v1/templates: what a tenant writes once, and mail names."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.template_access import ONE, PATH, TemplateAccess
from angarium.api.native.template_wire import (
    CopyAsked,
    OneTemplateAsked,
    TemplateAsked,
    TemplateChanged,
    TemplateList,
    TemplateMade,
    TemplatesAsked,
    TemplateShown,
    content_of,
    template_made,
    template_shown,
    version_saved,
)
from angarium.api.native.wire import cursor_of, read_query, read_text_cursor
from angarium.api.reading import read_json
from angarium.intake.order import Fault, FaultError
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.model import Template, TemplateChange, TemplateWish

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform
    from angarium.tenancy.templates.saving import Saved


_OF_TEMPLATE: Final = frozenset({"", "alias", "name", "kind", "tenant"})


class TemplateResource:
    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._access = TemplateAccess(premises)

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path=PATH,
                handler=self.create,
                summary="Create a template, a layout or a partial, with or without a first version.",
                scope="templates:write",
                request=TemplateAsked,
                answers={201: TemplateMade},
            ),
            Route(
                method="GET",
                path=PATH,
                handler=self.page,
                summary="List the templates.",
                scope="templates:read",
                query=TemplatesAsked,
                answers={200: TemplateList},
            ),
            Route(
                method="GET",
                path=ONE,
                handler=self.show,
                summary="Show a template, by its id or its alias.",
                scope="templates:read",
                query=OneTemplateAsked,
                answers={200: TemplateShown},
            ),
            Route(
                method="PATCH",
                path=ONE,
                handler=self.change,
                summary="Give a template another alias or name.",
                scope="templates:write",
                query=OneTemplateAsked,
                request=TemplateChanged,
                answers={200: TemplateShown},
            ),
            Route(
                method="DELETE",
                path=ONE,
                handler=self.remove,
                summary="Forget a template with its versions, unless what is published uses it.",
                scope="templates:write",
                query=OneTemplateAsked,
                answers={200: TemplateShown},
            ),
            Route(
                method="POST",
                path=f"{ONE}/copy",
                handler=self.copy,
                summary="Make a template of a version of another one.",
                scope="templates:write",
                query=OneTemplateAsked,
                request=CopyAsked,
                answers={201: TemplateMade},
            ),
        )

    async def create(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "templates", "write")
        asked = await read_json(request, TemplateAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "write")
        wish = TemplateWish(tenant=tenant, alias=asked.alias, name=asked.name, kind=asked.kind)
        first = asked.version
        if first is None:
            made = await self._premises.platform.run(
                lambda platform: platform.templates.create(wish), by=caller
            )
            return json_response(template_made(made, None), 201)

        def create(platform: "Platform", examined: Examined) -> "Saved":
            content = content_of(first)
            publish = first.publish
            return platform.template_versions.create(
                wish, content, first.comment, examined, publish=publish
            )

        try:
            saved = await self._access.change(caller, tenant, create)
        except FaultError as error:
            raise FaultError(_in_version(error.fault)) from None
        version = version_saved(saved.version, saved.examination)
        return json_response(template_made(saved.template, version), 201)

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "templates", "read")
        asked = read_query(request, TemplatesAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        after = read_text_cursor(asked.cursor)
        page = await self._premises.platform.run(
            lambda platform: platform.templates.list(
                tenant, kind=asked.kind, after=after, limit=asked.limit
            ),
            by=caller,
        )
        last = page[-1].alias.encode() if len(page) == asked.limit else None
        return json_response(
            TemplateList(templates=[template_shown(each) for each in page], cursor=cursor_of(last))
        )

    async def show(self, request: web.Request) -> web.Response:
        asking = self._access.asking(request, "read")
        found = await self._access.run(
            asking, lambda platform: platform.templates.find(asking.tenant, asking.name)
        )
        return json_response(template_shown(found))

    async def change(self, request: web.Request) -> web.Response:
        asking = self._access.asking(request, "write")
        asked = await read_json(request, TemplateChanged)
        wanted = TemplateChange(alias=asked.alias, name=asked.name)

        def change(platform: "Platform") -> Template:
            return platform.templates.change(asking.tenant, asking.name, wanted)

        return json_response(template_shown(await self._access.run(asking, change)))

    async def remove(self, request: web.Request) -> web.Response:
        asking = self._access.asking(request, "write")
        found = await self._access.run(
            asking, lambda platform: platform.templates.remove(asking.tenant, asking.name)
        )
        return json_response(template_shown(found))

    async def copy(self, request: web.Request) -> web.Response:
        asking = self._access.asking(request, "write")
        asked = await read_json(request, CopyAsked)
        wish = TemplateWish(tenant=asking.tenant, alias=asked.alias, name=asked.name)

        def copy(platform: "Platform", examined: Examined) -> "Saved":
            return platform.template_versions.copy(wish, asking.name, asked.version, examined)

        saved = await self._access.change(asking.caller, asking.tenant, copy)
        version = version_saved(saved.version, saved.examination)
        return json_response(template_made(saved.template, version), 201)


def _in_version(fault: Fault) -> Fault:
    """Return a fault of a first version as it is placed in the whole request."""
    if fault.field in _OF_TEMPLATE:
        return fault
    named = fault.message.startswith(fault.field)
    return msgspec.structs.replace(
        fault,
        field=f"version.{fault.field}",
        message=f"version.{fault.message}" if named else fault.message,
    )

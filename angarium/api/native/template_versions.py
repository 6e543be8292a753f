"""/v1/templates/{template}/versions: drafts, and which of them is published."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.template_access import (
    ONE,
    VERSION,
    VERSIONS,
    TemplateAccess,
    number_in_path,
)
from angarium.api.native.template_wire import (
    MAX_NUMBER,
    OneTemplateAsked,
    RollbackAsked,
    VersionAsked,
    VersionChanged,
    VersionHeadShown,
    VersionList,
    VersionPublished,
    VersionsAsked,
    VersionSaved,
    VersionShown,
    changed_content,
    content_of,
    head_shown,
    version_published,
    version_saved,
    version_shown,
)
from angarium.api.native.wire import cursor_of, read_cursor, read_query
from angarium.api.reading import read_json
from angarium.tenancy.templates.examined import Examined

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform
    from angarium.tenancy.templates.publications import Published
    from angarium.tenancy.templates.saving import Saved


class VersionResource:
    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._access = TemplateAccess(premises)

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path=VERSIONS,
                handler=self.save,
                summary="Save a new version; what is wrong in it is refused with line and column.",
                scope="templates:write",
                query=OneTemplateAsked,
                request=VersionAsked,
                answers={201: VersionSaved},
            ),
            Route(
                method="GET",
                path=VERSIONS,
                handler=self.page,
                summary="List the versions of a template.",
                scope="templates:read",
                query=VersionsAsked,
                answers={200: VersionList},
            ),
            Route(
                method="GET",
                path=VERSION,
                handler=self.show,
                summary="Show a version with what is written in it.",
                scope="templates:read",
                query=OneTemplateAsked,
                answers={200: VersionShown},
            ),
            Route(
                method="PATCH",
                path=VERSION,
                handler=self.edit,
                summary="Change a draft. What was published stays as it is.",
                scope="templates:write",
                query=OneTemplateAsked,
                request=VersionChanged,
                answers={200: VersionSaved},
            ),
            Route(
                method="DELETE",
                path=VERSION,
                handler=self.remove,
                summary="Forget a version that is not the published one.",
                scope="templates:write",
                query=OneTemplateAsked,
                answers={200: VersionHeadShown},
            ),
            Route(
                method="POST",
                path=f"{VERSION}/publish",
                handler=self.publish,
                summary="Have a version used from now on; published mails that use it are made with it.",
                scope="templates:write",
                query=OneTemplateAsked,
                answers={200: VersionPublished},
            ),
            Route(
                method="POST",
                path=f"{ONE}/rollback",
                handler=self.roll_back,
                summary="Publish an older version again.",
                scope="templates:write",
                query=OneTemplateAsked,
                request=RollbackAsked,
                answers={200: VersionPublished},
            ),
        )

    async def save(self, request: web.Request) -> web.Response:
        asking = self._access.asking(request, "write")
        asked = await read_json(request, VersionAsked)

        def save(platform: "Platform", examined: Examined) -> "Saved":
            return platform.template_versions.save(
                asking.tenant,
                asking.name,
                content_of(asked),
                asked.comment,
                examined,
                publish=asked.publish,
            )

        saved = await self._access.change(asking.caller, asking.tenant, save)
        return json_response(version_saved(saved.version, saved.examination), 201)

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "templates", "read")
        asked = read_query(request, VersionsAsked)
        asking = self._access.about(request, caller, asked.tenant, "read")
        cursor = read_cursor(asked.cursor)
        before = None if cursor is None else int.from_bytes(cursor[:4])
        page = await self._access.run(
            asking,
            lambda platform: platform.template_versions.list(
                asking.tenant,
                asking.name,
                before=None if before is None else min(before, MAX_NUMBER),
                limit=asked.limit,
            ),
        )
        last = page[-1].number.to_bytes(4) if len(page) == asked.limit else None
        return json_response(
            VersionList(versions=[head_shown(each) for each in page], cursor=cursor_of(last))
        )

    async def show(self, request: web.Request) -> web.Response:
        asking = self._access.asking(request, "read")
        number = number_in_path(request)
        found = await self._access.run(
            asking,
            lambda platform: platform.template_versions.find(asking.tenant, asking.name, number),
        )
        return json_response(version_shown(found))

    async def edit(self, request: web.Request) -> web.Response:
        asking = self._access.asking(request, "write")
        number = number_in_path(request)
        asked = await read_json(request, VersionChanged)

        def edit(platform: "Platform", examined: Examined) -> "Saved":
            return platform.template_versions.edit(
                asking.tenant,
                asking.name,
                number,
                lambda before: changed_content(before, asked),
                asked.comment,
                examined,
            )

        saved = await self._access.change(asking.caller, asking.tenant, edit)
        return json_response(version_saved(saved.version, saved.examination))

    async def remove(self, request: web.Request) -> web.Response:
        asking = self._access.asking(request, "write")
        number = number_in_path(request)
        found = await self._access.run(
            asking,
            lambda platform: platform.template_versions.remove(asking.tenant, asking.name, number),
        )
        return json_response(head_shown(found))

    async def publish(self, request: web.Request) -> web.Response:
        asking = self._access.asking(request, "write")
        number = number_in_path(request)

        def publish(platform: "Platform", examined: Examined) -> "Published":
            return platform.template_publications.publish(
                asking.tenant, asking.name, number, examined
            )

        found = await self._access.change(asking.caller, asking.tenant, publish)
        return json_response(version_published(found.version, found.renewed))

    async def roll_back(self, request: web.Request) -> web.Response:
        asking = self._access.asking(request, "write")
        asked = RollbackAsked()
        if request.can_read_body:
            asked = await read_json(request, RollbackAsked)

        def roll_back(platform: "Platform", examined: Examined) -> "Published":
            return platform.template_publications.roll_back(
                asking.tenant, asking.name, asked.version, examined
            )

        found = await self._access.change(asking.caller, asking.tenant, roll_back)
        return json_response(version_published(found.version, found.renewed))

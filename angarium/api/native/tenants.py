"""/v1/tenants: whose mail there is. For who has the scope ``tenants``, which is only had by name."""

from collections.abc import Sequence
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.wire import (
    Asked,
    PageAsked,
    Time,
    Wire,
    cursor_of,
    in_path,
    read_query,
    read_text_cursor,
    time_text,
)
from angarium.api.reading import read_json
from angarium.tenancy.model import Tenant


class TenantShown(Wire, frozen=True, kw_only=True):
    id: str
    name: str  # what its mail is called in the queue
    active: bool  # false: its keys are refused; what was accepted is still delivered
    created_at: Time


class TenantList(Wire, frozen=True, kw_only=True):
    tenants: Sequence[TenantShown]
    cursor: str | None  # of the next page; null: there is none


class TenantAsked(Asked, frozen=True, kw_only=True):
    # letters, digits, dots, hyphens or underscores
    name: Annotated[str, Meta(min_length=1, max_length=64)]


class TenantChange(Asked, frozen=True, kw_only=True):
    active: bool  # whether its keys are accepted


class TenantResource:
    def __init__(self, premises: Premises) -> None:
        self._premises = premises

    def routes(self) -> Sequence[Route]:
        one = "/v1/tenants/{name}"
        return (
            Route(
                method="POST",
                path="/v1/tenants",
                handler=self.create,
                summary="Create a tenant.",
                scope="tenants:write",
                request=TenantAsked,
                answers={201: TenantShown},
            ),
            Route(
                method="GET",
                path="/v1/tenants",
                handler=self.page,
                summary="List the tenants.",
                scope="tenants:read",
                query=PageAsked,
                answers={200: TenantList},
            ),
            Route(
                method="GET",
                path=one,
                handler=self.show,
                summary="Show a tenant.",
                scope="tenants:read",
                answers={200: TenantShown},
            ),
            Route(
                method="PATCH",
                path=one,
                handler=self.change,
                summary="Have a tenant's keys accepted or refused.",
                scope="tenants:write",
                request=TenantChange,
                answers={200: TenantShown},
            ),
        )

    async def create(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "tenants", "write")
        asked = await read_json(request, TenantAsked)
        made = await self._premises.platform.run(
            lambda platform: platform.tenants.create(asked.name), by=caller
        )
        return json_response(_shown(made), 201)

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "tenants", "read")
        asked = read_query(request, PageAsked)
        after, limit = read_text_cursor(asked.cursor), asked.limit
        found = await self._premises.platform.run(
            lambda platform: platform.pages.tenants(after, limit), by=caller
        )
        last = found[-1].name.encode() if len(found) == limit else None
        return json_response(
            TenantList(tenants=[_shown(each) for each in found], cursor=cursor_of(last))
        )

    async def show(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "tenants", "read")
        name = in_path(request, "name")
        found = await self._premises.platform.run(
            lambda platform: platform.tenants.find(name), by=caller
        )
        return json_response(_shown(found))

    async def change(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "tenants", "write")
        name = in_path(request, "name")
        asked = await read_json(request, TenantChange)
        changed = await self._premises.platform.run(
            lambda platform: platform.tenants.set_active(name, asked.active), by=caller
        )
        return json_response(_shown(changed))


def _shown(tenant: Tenant) -> TenantShown:
    return TenantShown(
        id=tenant.id,
        name=tenant.name,
        active=tenant.active,
        created_at=time_text(tenant.created),
    )

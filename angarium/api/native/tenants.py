"""/v1/tenants: whose mail there is. For who has the scope ``tenants``, which is only had by name."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
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
    invalid,
    read_query,
    read_text_cursor,
    time_text,
)
from angarium.api.reading import read_json
from angarium.intake.order import FaultKind
from angarium.tenancy.check_policy import CheckMode
from angarium.tenancy.model import Tenant, TrackingPolicy
from angarium.tenancy.plan import OverQuotaRule
from angarium.tenancy.plan_change import MAX_QUOTA, PlanChange
from angarium.tenancy.tracking_policy import ADDRESS_CHARACTERS

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform


_Number = Annotated[int, Meta(ge=0, le=MAX_QUOTA)]
_Names = Annotated[tuple[str, ...], Meta(max_length=100)]


class PlanShown(Wire, frozen=True, kw_only=True):
    """What a tenant may do. Quotas count recipients that are accepted; null: there is none."""

    rate: int | None  # requests and messages per second of all its keys; null: the server's
    per_second: int | None
    per_hour: int | None
    per_day: int | None
    per_month: int | None
    over_quota: OverQuotaRule  # what is over a quota is refused, or waits for the next period
    streams: Sequence[str]  # empty: all
    pools: Sequence[str]  # of its streams; empty: all


class CheckShown(Wire, frozen=True, kw_only=True):
    """What of its mail is looked at while it is sent."""

    # off: nothing; hints: all, and told with the answer; block: what is refused
    mode: CheckMode
    codes: Sequence[str]  # of findings that are refused; empty: those of blockers


class TenantTrackingShown(Wire, frozen=True, kw_only=True):
    """How far its mail is tracked, and what that names."""

    # at most: none; aggregate: as figures, without saying of whom; full
    policy: TrackingPolicy
    postal_address: str  # lines; what its advertising mail names; empty: nothing is known


class TenantShown(Wire, frozen=True, kw_only=True):
    id: str
    name: str  # what its mail is called in the queue
    active: bool  # false: its keys are refused; what was accepted is still delivered
    created_at: Time
    plan: PlanShown
    check: CheckShown
    tracking: TenantTrackingShown


class TenantList(Wire, frozen=True, kw_only=True):
    tenants: Sequence[TenantShown]
    cursor: str | None  # of the next page; null: there is none


class TenantAsked(Asked, frozen=True, kw_only=True):
    # letters, digits, dots, hyphens or underscores
    name: Annotated[str, Meta(min_length=1, max_length=64)]


class PlanAsked(Asked, frozen=True, kw_only=True):
    """What is given is changed: 0 takes a limit away."""

    rate: _Number | None = None  # requests and messages per second of all its keys
    per_second: _Number | None = None  # recipients, as the next three
    per_hour: _Number | None = None
    per_day: _Number | None = None
    per_month: _Number | None = None
    over_quota: OverQuotaRule | None = None
    streams: _Names | None = None
    pools: _Names | None = None


class CheckPolicyAsked(Asked, frozen=True, kw_only=True):
    """What is given is changed."""

    mode: CheckMode | None = None
    codes: _Names | None = None  # as POST /v1/check tells them; empty: those of blockers


class TenantTrackingAsked(Asked, frozen=True, kw_only=True):
    """What is given is changed."""

    # how far its mail is tracked at most: none; aggregate: as figures, without saying of whom; full
    policy: TrackingPolicy | None = None
    # lines; what its advertising mail names, as laws have it; empty: nothing
    postal_address: Annotated[str, Meta(max_length=2 * ADDRESS_CHARACTERS)] | None = None


class TenantChange(Asked, frozen=True, kw_only=True):
    """One of them."""

    active: bool | None = None  # whether its keys are accepted
    plan: PlanAsked | None = None
    check: CheckPolicyAsked | None = None
    tracking: TenantTrackingAsked | None = None


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
                summary="Have a tenant's keys accepted or refused, or change its plan, its checks or its tracking.",
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
        given = (asked.active, asked.plan, asked.check, asked.tracking)
        if sum(each is not None for each in given) != 1:
            text = "Give active, plan, check or tracking, one of them: each is a change of its own"
            raise invalid("active", text, FaultKind.MISSING, "required")

        def change(platform: "Platform") -> Tenant:
            if asked.plan is not None:
                wanted = PlanChange(**msgspec.structs.asdict(asked.plan))
                return platform.tenants.change_plan(name, wanted)
            if asked.check is not None:
                policy = asked.check
                return platform.tenants.set_check(name, mode=policy.mode, codes=policy.codes)
            if (wish := asked.tracking) is not None:
                return platform.tenants.set_tracking(
                    name, policy=wish.policy, postal_address=wish.postal_address
                )
            return platform.tenants.set_active(name, bool(asked.active))

        return json_response(_shown(await self._premises.platform.run(change, by=caller)))


def _shown(tenant: Tenant) -> TenantShown:
    return TenantShown(
        id=tenant.id,
        name=tenant.name,
        active=tenant.active,
        created_at=time_text(tenant.created),
        plan=PlanShown(**msgspec.structs.asdict(tenant.plan)),
        check=CheckShown(**msgspec.structs.asdict(tenant.check)),
        tracking=TenantTrackingShown(policy=tenant.tracking, postal_address=tenant.postal_address),
    )

"""GET /v1/key: whose key this is, and what it may do. Sends nothing."""

from collections.abc import Sequence

from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.wire import Time, Wire, maybe_time, time_text
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue.quota import QuotaUse
from angarium.queue.terms import QuotaPeriod
from angarium.tenancy.model import KeyKind
from angarium.tenancy.plan import Plan


class KeyLimits(Wire, frozen=True, kw_only=True):
    per_second: int  # requests of this key; and messages, of a batch
    tenant_per_second: int  # of all keys of the tenant together


class QuotaShown(Wire, frozen=True, kw_only=True):
    """How many recipients the tenant may send to in a period, and how many it has."""

    period: QuotaPeriod
    limit: int
    used: int
    resets_at: Time | None  # when the next period begins; null: nothing was counted yet


class WhoseKey(Wire, frozen=True, kw_only=True):
    """The key that the request came with."""

    id: str
    kind: KeyKind
    name: str  # for people; "": it has none
    tenant: str
    scopes: Sequence[str]  # what it may do
    domains: Sequence[str]  # verified ones of its tenant: it may send as these
    networks: Sequence[str]  # from where it may be used; empty: from anywhere
    limits: KeyLimits
    quotas: Sequence[QuotaShown]  # empty: the tenant has none
    expires_at: Time | None  # null: never


def quotas_shown(plan: Plan, uses: Sequence[QuotaUse]) -> Sequence[QuotaShown]:
    used = {each.period: each for each in uses}
    return [
        QuotaShown(
            period=each.period,
            limit=each.limit,
            used=0 if each.period not in used else used[each.period].used,
            resets_at=None if each.period not in used else time_text(used[each.period].until),
        )
        for each in plan.quotas
    ]


class WhoseKeyResource:
    def __init__(self, premises: Premises) -> None:
        self._premises = premises

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="GET",
                path="/v1/key",
                handler=self.show,
                summary="Whose key this is: its tenant, scopes, domains and limits. Sends nothing.",
                answers={200: WhoseKey},
            ),
        )

    async def show(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "", "")
        snapshot, config = self._premises.snapshots.current, self._premises.config()
        key, plan = snapshot.keys.get(caller.key_id), snapshot.plan(caller.tenant)
        if key is None:
            text = "No key: somebody is logged in, and GET /v1/me says who"
            raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=text))
        return json_response(
            WhoseKey(
                id=key.id,
                kind=key.kind,
                name=key.name,
                tenant=caller.tenant,
                scopes=self._premises.scopes(caller),
                domains=caller.domains,
                networks=key.networks,
                limits=KeyLimits(
                    per_second=key.rate,
                    tenant_per_second=plan.rate or config.api.requests_per_second,
                ),
                quotas=quotas_shown(plan, self._premises.quota_use(caller.tenant)),
                expires_at=maybe_time(key.expires),
            )
        )

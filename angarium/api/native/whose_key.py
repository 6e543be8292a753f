"""GET /v1/key: whose key this is, and what it may do. Sends nothing."""

from collections.abc import Sequence

from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.wire import Time, Wire, maybe_time
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.tenancy.model import KeyKind


class KeyLimits(Wire, frozen=True, kw_only=True):
    per_second: int  # requests; and messages, of a batch


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
    expires_at: Time | None  # null: never


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
        key = self._premises.snapshots.current.keys.get(caller.key_id)
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
                limits=KeyLimits(per_second=key.rate),
                expires_at=maybe_time(key.expires),
            )
        )

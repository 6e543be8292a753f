"""Resend's /api-keys: what programs authenticate with. A key is shown once, when it is made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from angarium.api.compat.faults import invalid, missing, unsupported
from angarium.api.compat.resend.paging import page_of, read_wanted
from angarium.api.compat.resend.wire import WireKey
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.reading import read_json
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.telemetry.timestamp import rfc3339
from angarium.tenancy.model import Key, NotFoundError
from angarium.tenancy.scopes import USUAL, find_uncovered

if TYPE_CHECKING:
    from angarium.tenancy.keys import NewKey
    from angarium.tenancy.platform import Platform

MAX_NAME: Final = 50  # Resend's
_SCOPES: Final = {"full_access": USUAL["api"], "sending_access": ("emails:send",)}


class Keys:
    """``premises.admit`` asks for a key as Resend's clients send it."""

    def __init__(self, premises: Premises) -> None:
        self._premises = premises

    def routes(self) -> Sequence[Route]:
        one = "/api-keys/{id}"
        return (
            Route(method="POST", path="/api-keys", handler=self._create),
            Route(method="GET", path="/api-keys", handler=self._list),
            Route(method="PATCH", path=one, handler=self._rename),
            Route(method="DELETE", path=one, handler=self._revoke),
        )

    async def _create(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "keys", "write")
        asked = await read_json(request, WireKey)
        if not asked.name:
            raise FaultError(missing("name", "Missing `name` field."))
        if len(asked.name) > MAX_NAME:
            raise FaultError(invalid("name", f"has more than {MAX_NAME} characters"))
        if asked.domain_id:
            raise FaultError(unsupported("domain_id", "a key is for all domains of its tenant"))
        scopes = _SCOPES.get(asked.permission or "full_access")
        if scopes is None:
            raise FaultError(invalid("permission", f"must be one of {', '.join(_SCOPES)}"))
        more = find_uncovered(self._premises.scopes(caller), scopes)
        if more is not None:
            text = f"The key does not have the scope {more}, and cannot give it to another one"
            raise FaultError(Fault(kind=FaultKind.NO_SCOPE, message=text, field="permission"))

        def make(platform: "Platform") -> "NewKey":
            # Imported where it is used: SQLAlchemy is 25 MB
            from angarium.tenancy.keys import KeyWish

            return platform.keys.create(
                KeyWish(tenant=caller.tenant, kind="api", name=asked.name, scopes=scopes)
            )

        made = await self._premises.platform.run(make, by=caller)
        return json_response({"id": made.key.id, "token": made.text}, 201)

    async def _list(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "keys", "read")
        wanted = read_wanted(request.query)
        found = await self._premises.platform.run(
            lambda platform: platform.keys.list(caller.tenant), by=caller
        )
        usable = [each for each in found if each.kind == "api" and each.revoked is None]
        usable.sort(key=lambda each: (-each.created, each.id))
        return json_response(page_of([_shown(each) for each in usable], wanted))

    async def _rename(self, request: web.Request) -> web.Response:
        self._premises.admit(request, "keys", "write")
        raise FaultError(unsupported("name", "a key keeps its name; make another one"))

    async def _revoke(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "keys", "write")
        key_id = request.match_info["id"]

        def revoke(platform: "Platform") -> Key:
            found = platform.keys.find(key_id)
            if found.tenant != caller.tenant or found.revoked is not None:
                raise NotFoundError("API key not found")
            return platform.keys.revoke(found.id)

        await self._premises.platform.run(revoke, by=caller)
        return json_response({"object": "api_key", "id": key_id, "deleted": True})


def _shown(key: Key) -> dict[str, Any]:
    created = rfc3339(key.created)
    # When it was used last, nobody has written down
    return {"id": key.id, "name": key.name, "created_at": created, "last_used_at": None}

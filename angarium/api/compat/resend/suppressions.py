"""Resend's /suppressions: addresses that nothing of the tenant's is sent to (P7)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from angarium.api.compat.faults import invalid, missing
from angarium.api.compat.resend.paging import Wanted, answer, read_wanted, unknown_id
from angarium.api.compat.resend.wire import WireSuppression, WireSuppressions
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.suppression import MAX_CURSOR, SuppressionResource, actor_of
from angarium.api.native.suppression_wire import shown
from angarium.api.reading import read_json
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.queue import Scope, Suppress, Suppression, SuppressionFilter, Unsuppress
from angarium.queue.suppression_key import check_email
from angarium.queue.suppressions import MANUAL

MAX_BATCH: Final = 100  # Resend's
# Ours: what is looked through for one page of one origin
MAX_PAGES: Final = 50
_ORIGINS: Final = ("bounce", "complaint", "manual")
_MOST_OF_ONE: Final = 1000  # its scopes


class Suppressions:
    """``premises.admit`` asks for a key as Resend's clients send it. An id is the key of the store, in base64."""

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._native = SuppressionResource(premises)

    def routes(self) -> Sequence[Route]:
        base, one = "/suppressions", "/suppressions/{id}"
        return (
            Route(method="POST", path=base, handler=self._add),
            Route(method="GET", path=base, handler=self._list),
            Route(method="POST", path=f"{base}/batch/add", handler=self._add_all),
            Route(method="POST", path=f"{base}/batch/remove", handler=self._remove_all),
            Route(method="GET", path=one, handler=self._get),
            Route(method="DELETE", path=one, handler=self._remove),
        )

    async def _add(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "suppressions", "write")
        asked = await read_json(request, WireSuppression)
        if not asked.email:
            raise FaultError(missing("email", "Missing `email` field."))
        (added,) = await self._added(caller, {"email": asked.email})
        return json_response(added, 201)

    async def _add_all(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "suppressions", "write")
        asked = await read_json(request, WireSuppressions)
        if asked.ids:
            raise FaultError(invalid("ids", "give emails: there are no ids of them yet"))
        named = _numbered("emails", asked.emails)
        return json_response({"data": await self._added(caller, named)}, 201)

    async def _added(self, caller: Caller, named: dict[str, str]) -> list[dict[str, Any]]:
        """``named``: addresses by their fields. What is suppressed already stays as it is."""
        for field, email in named.items():
            try:
                check_email(email)
            except ValueError as error:
                raise FaultError(invalid(field, str(error))) from None
        now, scope = self._premises.clock(), Scope(tenant=caller.tenant)
        rows = [
            Suppression(email=each, scope=scope, reason=MANUAL, added_at=now).bounded()
            for each in named.values()
        ]
        by = actor_of(caller)
        await self._native.apply([Suppress(suppression=each, by=by) for each in rows])
        subject = rows[0].email if len(rows) == 1 else f"{len(rows)} addresses"
        await self._premises.note(caller, "suppression.added", subject, reason=MANUAL)
        return [{"object": "suppression", "id": _id(each)} for each in rows]

    async def _list(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "suppressions", "read")
        wanted = read_wanted(request.query, ("origin",))
        origin = request.query.get("origin", "")
        if origin not in ("", *_ORIGINS):
            raise FaultError(invalid("origin", f"must be one of {', '.join(_ORIGINS)}"))
        if wanted.before:
            raise FaultError(invalid("before", "this list is read forwards: page with after"))
        found = await self._page(caller, wanted, origin)
        items = [_shown(each) for each in found[: wanted.limit]]
        return json_response(answer(items, has_more=len(found) > wanted.limit))

    async def _page(self, caller: Caller, wanted: Wanted, origin: str) -> list[Suppression]:
        """One more than is wanted, if there are more."""
        filter_ = SuppressionFilter(
            tenant=caller.tenant, everybodys=self._native.sees_everybodys(caller)
        )
        after = _find_key(wanted.after) if wanted.after else None
        if wanted.after and after is None:
            raise FaultError(unknown_id("after"))
        found: list[Suppression] = []
        for _ in range(MAX_PAGES):
            page = await self._premises.suppressions.page(filter_, after, wanted.limit + 1)
            found += [each for each in page.suppressions if origin in ("", _origin(each))]
            after = page.cursor
            if after is None or len(found) > wanted.limit:
                break
        return found

    async def _get(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "suppressions", "read")
        everybodys = self._native.sees_everybodys(caller)
        found = await self._found(caller, request.match_info["id"], everybodys=everybodys)
        if not found:
            raise _not_found()
        return json_response({"object": "suppression", **_shown(found[0])})

    async def _remove(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "suppressions", "write")
        removed = await self._removed(caller, request.match_info["id"])
        if removed is None:
            raise _not_found()
        return json_response(removed)

    async def _remove_all(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "suppressions", "write")
        asked = await read_json(request, WireSuppressions)
        if bool(asked.emails) == bool(asked.ids):
            raise FaultError(invalid("emails", "give emails or ids, one of them"))
        field = "emails" if asked.emails else "ids"
        named = _numbered(field, asked.emails or asked.ids)
        removed = [await self._removed(caller, each) for each in named.values()]
        return json_response({"data": [each for each in removed if each is not None]})

    async def _removed(self, caller: Caller, asked: str) -> dict[str, Any] | None:
        """None: it was not suppressed."""
        found = [
            each
            for each in await self._found(caller, asked, everybodys=True)
            if self._native.may_change(caller, each.scope)
        ]
        by = actor_of(caller)
        changes = [Unsuppress(email=each.email, scope=each.scope, by=by) for each in found]
        if not any(await self._native.apply(changes)):
            return None
        await self._premises.note(caller, "suppression.removed", found[0].email)
        return {"object": "suppression", "id": _id(found[0]), "deleted": True}

    async def _found(self, caller: Caller, asked: str, *, everybodys: bool) -> list[Suppression]:
        """By the address, or by the id of one."""
        is_id = "@" not in asked
        email = _email_of(asked) if is_id else asked
        if not email:
            return []
        filter_ = SuppressionFilter(email=email, tenant=caller.tenant, everybodys=everybodys)
        try:
            page = await self._premises.suppressions.page(filter_, None, _MOST_OF_ONE)
        except ValueError:
            return []
        return [each for each in page.suppressions if not is_id or _id(each) == asked]


def _numbered(field: str, values: Sequence[str]) -> dict[str, str]:
    """Raises FaultError."""
    if not values:
        raise FaultError(missing(field, f"Missing `{field}` field."))
    if len(values) > MAX_BATCH:
        raise FaultError(invalid(field, f"has more than {MAX_BATCH}"))
    return {f"{field}[{at}]": each for at, each in enumerate(values)}


def _id(suppression: Suppression) -> str:
    return urlsafe_b64encode(suppression.key).rstrip(b"=").decode()


def _find_key(id_: str) -> bytes | None:
    try:
        key = urlsafe_b64decode(id_ + "=" * (-len(id_) % 4))
    except (Error, ValueError):
        return None
    return key if 0 < len(key) <= MAX_CURSOR else None


def _email_of(id_: str) -> str:
    """Of an over-long local part it is none, by which nothing is found; "": it is no id."""
    domain, _, rest = (_find_key(id_) or b"").partition(b"\0")
    local = rest.partition(b"\0")[0]
    return f"{local.decode(errors='replace')}@{domain.decode(errors='replace')}" if rest else ""


def _origin(suppression: Suppression) -> str:
    reason = shown(suppression).reason
    return reason if reason in _ORIGINS else "manual"


def _shown(suppression: Suppression) -> dict[str, Any]:
    return {
        "id": _id(suppression),
        "email": suppression.email,
        "origin": _origin(suppression),
        "source_id": suppression.reference or None,
        "created_at": shown(suppression).added_at,
    }


def _not_found() -> FaultError:
    return FaultError(Fault(kind=FaultKind.NOT_FOUND, message="Suppression not found"))

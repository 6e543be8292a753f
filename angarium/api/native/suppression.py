"""/v1/suppression: addresses that nothing is sent to. A tenant sees and changes its own (P7).

What is suppressed for everybody (a host says that there is no such mailbox) is shown and changed by who has the scope
``tenants``; and by the only tenant, where there is no other one.
"""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.suppression_wire import (
    GLOBAL,
    MAX_EMAILS,
    OneAsked,
    RemovalAsked,
    SuppressionAnswer,
    SuppressionAsked,
    SuppressionList,
    SuppressionsAsked,
    read_reason,
    read_scope,
    shown,
)
from angarium.api.native.wire import (
    cursor_of,
    in_path,
    invalid,
    read_cursor,
    read_query,
    unix_ms,
)
from angarium.api.reading import read_json
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.queue import (
    QueueFullError,
    Scope,
    Suppress,
    Suppression,
    SuppressionChange,
    SuppressionFilter,
    Unsuppress,
)
from angarium.queue.act import Actor
from angarium.queue.suppression_key import check_email

# Ours: keys of the store are shorter
MAX_CURSOR: Final = 450
# In one transaction. Some 10 ms: the event loop waits meanwhile
LOT: Final = 1000
# What has no @ is no address, and may be another path
EMAIL: Final = "{email:[^/]+@[^/]+}"
# Of one address: its scopes
_MOST_OF_ONE: Final = 1000


class SuppressionResource:
    def __init__(self, premises: Premises) -> None:
        self._premises = premises

    def routes(self) -> Sequence[Route]:
        both = "/v1/suppression", "/suppression"
        return tuple(route for base in both for route in self._routes(base))

    def _routes(self, base: str) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path=f"{base}/add",
                handler=self.add,
                summary="Send nothing more to an address, or to several.",
                scope="suppressions:write",
                request=SuppressionAsked,
                answers={200: SuppressionAnswer},
            ),
            Route(
                method="GET",
                path=base,
                handler=self.page,
                summary="List suppressed addresses, by domain.",
                scope="suppressions:read",
                query=SuppressionsAsked,
                answers={200: SuppressionList},
            ),
            Route(
                method="GET",
                path=f"{base}/{EMAIL}",
                handler=self.show,
                summary="Say whether an address is suppressed: for whom, why and until when.",
                scope="suppressions:read",
                query=OneAsked,
                answers={200: SuppressionList},
            ),
            Route(
                method="DELETE",
                path=f"{base}/{EMAIL}",
                handler=self.remove,
                summary="Send to an address again. What was queued for it was ended.",
                scope="suppressions:write",
                query=RemovalAsked,
                answers={200: SuppressionAnswer},
            ),
        )

    async def add(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "suppressions", "write")
        asked = await read_json(request, SuppressionAsked)
        emails = _emails(asked)
        scope = self.scope_to_change(caller, asked.scope)
        reason = read_reason(asked)
        now = self._premises.clock()
        expires = None if asked.expires_at is None else unix_ms(asked.expires_at)
        if expires is not None and expires <= now:
            raise invalid("expiresAt", "expiresAt: that time is over")
        rows = [
            Suppression(
                email=each,
                scope=scope,
                reason=reason,
                added_at=now,
                expires_at=expires,
                evidence="" if asked.evidence is None else asked.evidence.text,
            ).bounded()
            for each in emails
        ]
        by = actor_of(caller)
        done = await self.apply([Suppress(suppression=each, by=by, replaces=True) for each in rows])
        subject = emails[0] if len(emails) == 1 else f"{len(emails)} addresses"
        await self._premises.note(
            caller, "suppression.added", subject, scope=scope.text, reason=reason
        )
        return json_response(
            SuppressionAnswer(
                success=True, changed=sum(done), suppressions=[shown(each) for each in rows]
            )
        )

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "suppressions", "read")
        asked = read_query(request, SuppressionsAsked)
        wanted = self.filter_of(caller, asked)
        after = read_cursor(asked.cursor)
        if after is not None and len(after) > MAX_CURSOR:
            raise invalid("cursor", "cursor: it is of no page of this list")
        try:
            page = await self._premises.suppressions.page(wanted, after, asked.limit)
        except ValueError as error:
            raise invalid("domain", f"domain: {error}") from None
        return json_response(
            SuppressionList(
                suppressions=[shown(each) for each in page.suppressions],
                cursor=cursor_of(page.cursor),
            )
        )

    async def show(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "suppressions", "read")
        tenant = self._premises.tenant_of(caller, read_query(request, OneAsked).tenant, "read")
        email = in_path(request, "email")
        found = await self._of_one(caller, email, tenant)
        if not found:
            raise _not_suppressed(email)
        return json_response(
            SuppressionList(suppressions=[shown(each) for each in found], cursor=None)
        )

    async def remove(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "suppressions", "write")
        asked = read_query(request, RemovalAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "write")
        email = in_path(request, "email")
        wanted = read_scope(asked.scope, tenant) if asked.scope else None
        found = [
            each
            for each in await self._of_one(caller, email, tenant, everybodys=True)
            if wanted in (None, each.scope)
        ]
        ours = [each for each in found if self.may_change(caller, each.scope)]
        if found and not ours:
            raise _not_theirs("scope")
        by = actor_of(caller)
        done = await self.apply([Unsuppress(email=email, scope=each.scope, by=by) for each in ours])
        removed = [each for each, was in zip(ours, done, strict=True) if was]
        if not removed:
            raise _not_suppressed(email)
        scopes = ", ".join(each.scope.text for each in removed)
        await self._premises.note(caller, "suppression.removed", email, scope=scopes)
        return json_response(
            SuppressionAnswer(
                success=True, changed=len(removed), suppressions=[shown(each) for each in removed]
            )
        )

    def filter_of(self, caller: Caller, asked: SuppressionsAsked) -> SuppressionFilter:
        """Return what the caller may see of what is asked for. Raises FaultError."""
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        sees_all = self.sees_everybodys(caller)
        scope = read_scope(asked.scope, tenant) if asked.scope else None
        if asked.scope == GLOBAL and not sees_all:
            raise _not_theirs("scope")
        return SuppressionFilter(
            prefix=asked.prefix,
            domain=asked.domain,
            scope=scope,
            reason=asked.reason,
            tenant=tenant,  # P7
            everybodys=sees_all,
        )

    def scope_to_change(self, caller: Caller, text: str, field: str = "scope") -> Scope:
        """Raises FaultError: there is no such scope, or the caller may not change it."""
        scope = read_scope(text, caller.tenant, field)
        if not self.may_change(caller, scope):
            raise _not_theirs(field)
        return scope

    def sees_everybodys(self, caller: Caller) -> bool:
        return self._is_alone(caller) or self._premises.may(caller, "tenants", "read")

    async def apply(self, changes: Sequence[SuppressionChange]) -> list[bool]:
        """Return which of them changed something; all are on disk. Raises FaultError: of a lot, nothing is."""
        done: list[bool] = []
        try:
            for start in range(0, len(changes), LOT):
                done += await self._premises.suppressions.apply(changes[start : start + LOT])
        except ValueError as error:
            raise invalid("email", f"email: {error}") from None
        except QueueFullError as error:
            text = f"{error}; {len(done)} of {len(changes)} were changed"
            fault = Fault(kind=FaultKind.DISK_FULL, message=text, retry_after_s=60)
            raise FaultError(fault) from None
        return done

    async def _of_one(
        self, caller: Caller, email: str, tenant: str, *, everybodys: bool = False
    ) -> Sequence[Suppression]:
        wanted = SuppressionFilter(
            email=email,
            tenant=tenant,  # P7
            everybodys=everybodys or self.sees_everybodys(caller),
        )
        try:
            page = await self._premises.suppressions.page(wanted, None, _MOST_OF_ONE)
        except ValueError as error:
            raise invalid("email", f"email: {error}") from None
        return page.suppressions

    def may_change(self, caller: Caller, scope: Scope) -> bool:
        if scope.tenant is not None:
            return True
        return self._is_alone(caller) or self._premises.may(caller, "tenants", "write")

    def _is_alone(self, caller: Caller) -> bool:
        return self._premises.snapshots.current.tenants == {caller.tenant}


def actor_of(caller: Caller) -> Actor:
    return Actor(who=f"key {caller.key_id}", reason="")


def _emails(asked: SuppressionAsked) -> Sequence[str]:
    """Raises FaultError that names the wrong one."""
    if asked.email and asked.emails:
        raise invalid("emails", "Give email or emails, one of them")
    if not asked.email and not asked.emails:
        raise invalid("email", "Missing required field: email", FaultKind.MISSING, "required")
    named = (
        {"email": asked.email}
        if asked.email
        else {f"emails[{number}]": each for number, each in enumerate(asked.emails[:MAX_EMAILS])}
    )
    for field, each in named.items():
        try:
            check_email(each)
        except ValueError as error:
            raise invalid(field, f"{field}: {error}", constraint="email") from None
    return list(named.values())


def _not_suppressed(email: str) -> FaultError:
    return FaultError(Fault(kind=FaultKind.NOT_FOUND, message=f"{email[:100]!a} is not suppressed"))


def _not_theirs(field: str) -> FaultError:
    text = "It is suppressed for all tenants: that needs the scope tenants:write (to see it, tenants:read)"
    return invalid(field, text, FaultKind.NO_SCOPE)

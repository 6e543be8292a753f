"""/v1/login, /v1/logout, /v1/me, /v1/users: people with roles in a tenant, beside programs with keys."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.wire import Asked, Time, Wire, in_path, invalid, maybe_time, time_text
from angarium.api.reading import read_json
from angarium.api.sessions import SIGNED_IN, Sessions
from angarium.config.schema import Role
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.tenancy.account import Account, Membership, SignedIn, role_scopes
from angarium.tenancy.scopes import find_uncovered

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform
    from angarium.tenancy.sign_in import NewSession

_Text = Annotated[str, Meta(min_length=1, max_length=1024)]
_Name = Annotated[str, Meta(min_length=1, max_length=254)]


class LoginAsked(Asked, frozen=True, kw_only=True):
    name: _Name
    password: _Text
    # a one-time or recovery code, where one is asked for
    code: Annotated[str, Meta(max_length=64)] = ""
    tenant: Annotated[str, Meta(max_length=64)] = ""  # omitted: the first of the account's


class Me(Wire, frozen=True, kw_only=True):
    """Who is logged in."""

    name: str
    tenant: str
    role: Role
    scopes: Sequence[str]
    tenants: Sequence[Membership]  # all that the account is of
    one_time_codes: bool
    expires_at: Time  # of the session; an hour unused ends it sooner


class LoggedIn(Me, frozen=True, kw_only=True):
    token: str  # to send as Authorization: Bearer; shown once


class UserShown(Wire, frozen=True, kw_only=True):
    """A member of the tenant."""

    name: str
    role: Role
    one_time_codes: bool
    created_at: Time
    disabled_at: Time | None


class UserList(Wire, frozen=True, kw_only=True):
    users: Sequence[UserShown]


class UserAsked(Asked, frozen=True, kw_only=True):
    name: _Name
    role: Role
    # of a new account; omitted: it is there already
    password: Annotated[str, Meta(max_length=1024)] = ""


class PeopleResource:
    def __init__(self, premises: Premises, sessions: Sessions) -> None:
        self._premises = premises
        self._sessions = sessions

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path="/v1/login",
                handler=self.log_in,
                summary="Log in with a name and a password: a token that stands for a key, with the role's scopes.",
                is_open=True,
                request=LoginAsked,
                answers={200: LoggedIn},
            ),
            Route(
                method="POST",
                path="/v1/logout",
                handler=self.log_out,
                summary="End the session whose token the request comes with.",
                answers={204: None},
            ),
            Route(
                method="GET",
                path="/v1/me",
                handler=self.me,
                summary="Who is logged in.",
                answers={200: Me},
            ),
            Route(
                method="GET",
                path="/v1/users",
                handler=self.users,
                summary="List the people of the tenant, with their roles.",
                scope="users:read",
                answers={200: UserList},
            ),
            Route(
                method="POST",
                path="/v1/users",
                handler=self.add,
                summary="Give somebody a role in the tenant; with a password: as a new account. No"
                " role may do more than who gives it.",
                scope="users:write",
                request=UserAsked,
                answers={200: UserShown, 201: UserShown},
            ),
            Route(
                method="DELETE",
                path="/v1/users/{name}",
                handler=self.remove,
                summary="Take somebody's role in the tenant away. The account stays.",
                scope="users:write",
                answers={204: None},
            ),
        )

    async def log_in(self, request: web.Request) -> web.Response:
        asked = await read_json(request, LoginAsked)
        found = await self._sessions.log_in(
            request, name=asked.name, password=asked.password, code=asked.code, tenant=asked.tenant
        )
        return json_response(logged_in(found))

    async def log_out(self, request: web.Request) -> web.Response:
        await self._sessions.log_out(signed_in_of(request))
        return web.Response(status=204)

    async def me(self, request: web.Request) -> web.Response:
        signed_in = signed_in_of(request)
        self._premises.admit(request, "", "")
        return json_response(_me(signed_in))

    async def users(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "users", "read")
        found = await self._premises.platform.run(
            lambda platform: platform.accounts.list(caller.tenant), by=caller
        )
        return json_response(UserList(users=[_shown(each, caller.tenant) for each in found]))

    async def add(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "users", "write")
        asked = await read_json(request, UserAsked)
        self._refuse_more(caller, asked.role)

        def add(platform: "Platform") -> Account:
            accounts, tenant = platform.accounts, caller.tenant
            if asked.password:
                return accounts.add(asked.name, tenant, asked.role, asked.password)
            for each in accounts.find(asked.name).memberships:
                if each.tenant == tenant:
                    self._refuse_more(caller, each.role)
            return accounts.set_role(asked.name, tenant, asked.role)

        account = await self._premises.platform.run(add, by=caller)
        return json_response(_shown(account, caller.tenant), 201 if asked.password else 200)

    async def remove(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "users", "write")
        name = in_path(request, "name")

        def remove(platform: "Platform") -> None:
            mine = [
                each
                for each in platform.accounts.find(name).memberships
                if each.tenant == caller.tenant
            ]
            if not mine:
                raise invalid(
                    "name", f"no account {name[:254]!a} is of this tenant", FaultKind.NOT_FOUND
                )
            self._refuse_more(caller, mine[0].role)
            platform.accounts.set_role(name, caller.tenant, None)

        await self._premises.platform.run(remove, by=caller)
        return web.Response(status=204)

    def _refuse_more(self, caller: Caller, role: Role) -> None:
        """Nobody gives, or takes away, a role that may do more than they. Raises FaultError."""
        wanted = role_scopes(role, caller.tenant)
        if (scope := find_uncovered(self._premises.scopes(caller), wanted)) is not None:
            text = f"role: {role} may do more than you ({scope})"
            raise invalid("role", text, FaultKind.NO_SCOPE)


def signed_in_of(request: web.Request) -> SignedIn:
    """Raises FaultError: it came with a key, or with none."""
    found: SignedIn | None = request.get(SIGNED_IN)
    if found is not None:
        return found
    text = "Nobody is logged in: POST /v1/login, and send its token as Authorization: Bearer"
    raise FaultError(Fault(kind=FaultKind.NO_KEY, message=text))


def logged_in(found: "NewSession") -> LoggedIn:
    return LoggedIn(**msgspec.structs.asdict(_me(found.signed_in)), token=found.token)


def _me(signed_in: SignedIn) -> Me:
    return Me(
        name=signed_in.account.name,
        tenant=signed_in.tenant,
        role=signed_in.role,
        scopes=signed_in.scopes,
        tenants=signed_in.account.memberships,
        one_time_codes=signed_in.account.has_totp,
        expires_at=time_text(signed_in.expires),
    )


def _shown(account: Account, tenant: str) -> UserShown:
    """Of its roles, the one in this tenant only (P7)."""
    role = next(each.role for each in account.memberships if each.tenant == tenant)
    return UserShown(
        name=account.name,
        role=role,
        one_time_codes=account.has_totp,
        created_at=time_text(account.created),
        disabled_at=maybe_time(account.disabled),
    )

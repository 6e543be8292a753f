"""/v1/keys: what programs authenticate with. A key is shown once, when it is made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.wire import (
    Asked,
    PageAsked,
    Time,
    TimeGiven,
    Wire,
    cursor_of,
    in_path,
    invalid,
    maybe_time,
    read_query,
    read_text_cursor,
    time_text,
    unix_ms,
)
from angarium.api.reading import read_json
from angarium.config.schema import Role
from angarium.intake.order import Caller, FaultKind
from angarium.tenancy.key_text import key_prefix, ses_access_key_id
from angarium.tenancy.model import (
    DEFAULT_RATE,
    MAX_CERTIFICATES,
    MAX_RATE,
    Key,
    KeyKind,
    NotFoundError,
)
from angarium.tenancy.scopes import ROLES, USUAL, find_uncovered, read_scopes

if TYPE_CHECKING:
    from angarium.tenancy.keys import NewKey
    from angarium.tenancy.platform import Platform

_DAY_S: Final = 86_400
MAX_OVERLAP_S: Final = 365 * _DAY_S
_MAX_WORDS: Final = 100


_Certificates = Annotated[tuple[str, ...], Meta(max_length=MAX_CERTIFICATES)]


class KeyShown(Wire, frozen=True, kw_only=True):
    """A key, by what may be shown of it."""

    id: str
    prefix: str  # how it begins
    kind: KeyKind
    tenant: str
    name: str  # for people
    scopes: Sequence[str]
    networks: Sequence[str]  # from where it may be used; empty: from anywhere
    rate: int  # requests per second, and messages of a batch
    certificates: Sequence[str]  # of clients, whose showing stands for the key: dns:app.example.com
    version: int  # goes up with each rotation
    created_at: Time
    expires_at: Time | None  # null: never
    revoked_at: Time | None


class KeyList(Wire, frozen=True, kw_only=True):
    keys: Sequence[KeyShown]
    cursor: str | None  # of the next page; null: there is none


class KeyMade(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """A key with its secret, which is shown this once."""

    id: str
    prefix: str
    key: str = ""  # of kinds api and smtp: the whole of it
    access_key_id: str = ""  # of kind ses, as AWS's programs call them
    secret_access_key: str = ""


class KeyAsked(Asked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own
    kind: KeyKind = "api"
    name: Annotated[str, Meta(max_length=100)] = ""
    # resource:action, or a resource alone; omitted: all that is the tenant's. None that the caller lacks
    scopes: Annotated[tuple[str, ...], Meta(max_length=_MAX_WORDS)] = ()
    role: Role | None = None  # the scopes of a role instead
    # as 192.0.2.0/24
    networks: Annotated[tuple[str, ...], Meta(max_length=_MAX_WORDS)] = ()
    rate: Annotated[int, Meta(ge=1, le=MAX_RATE)] = DEFAULT_RATE  # per second
    expires_at: TimeGiven | None = None  # omitted: never
    # of clients that may show one in place of the key: dns:app.example.com, uri:..., email:..., sha256:...; for who has
    # the scope tenants:write, all tenants having one authority
    certificates: _Certificates = ()


class KeyChanged(Asked, frozen=True, kw_only=True):
    certificates: _Certificates  # these, and no others


class KeysAsked(PageAsked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class RotationAsked(Asked, frozen=True, kw_only=True):
    # how long the secret of before stays valid
    overlap_seconds: Annotated[int, Meta(ge=0, le=MAX_OVERLAP_S)] = _DAY_S


class KeyResource:
    def __init__(self, premises: Premises) -> None:
        self._premises = premises

    def routes(self) -> Sequence[Route]:
        one = "/v1/keys/{id}"
        return (
            Route(
                method="POST",
                path="/v1/keys",
                handler=self.create,
                summary="Create a key. The answer has it, this once.",
                scope="keys:write",
                request=KeyAsked,
                answers={201: KeyMade},
            ),
            Route(
                method="GET",
                path="/v1/keys",
                handler=self.page,
                summary="List keys, by what may be shown of them.",
                scope="keys:read",
                query=KeysAsked,
                answers={200: KeyList},
            ),
            Route(
                method="GET",
                path=one,
                handler=self.show,
                summary="Show a key: what it may do, from where, and until when.",
                scope="keys:read",
                answers={200: KeyShown},
            ),
            Route(
                method="PATCH",
                path=one,
                handler=self.change,
                summary="Say which clients' certificates stand for a key.",
                scope="keys:write",
                request=KeyChanged,
                answers={200: KeyShown},
            ),
            Route(
                method="DELETE",
                path=one,
                handler=self.revoke,
                summary="Refuse a key from now on, for good. What is revoked already stays so.",
                scope="keys:write",
                answers={200: KeyShown},
            ),
            Route(
                method="POST",
                path=f"{one}/rotate",
                handler=self.rotate,
                summary="Give a key another secret; the one of before stays valid for a while.",
                scope="keys:write",
                request=RotationAsked,
                answers={200: KeyMade},
            ),
        )

    async def create(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "keys", "write")
        asked = await read_json(request, KeyAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "write")
        if asked.scopes and asked.role is not None:
            raise invalid("role", "Give scopes or role, one of them")
        self._check_certificates(caller, asked.certificates)
        words = ROLES[asked.role] if asked.role is not None else asked.scopes
        lifetime_ms = self._lifetime_ms(asked)

        def make(platform: "Platform") -> "NewKey":
            # Imported where it is used: SQLAlchemy is 25 MB
            from angarium.tenancy.keys import KeyWish

            scopes = read_scopes(words or USUAL[asked.kind])
            self._refuse_more(caller, scopes)
            return platform.keys.create(
                KeyWish(
                    tenant=tenant,
                    kind=asked.kind,
                    name=asked.name,
                    scopes=scopes,
                    networks=asked.networks,
                    rate=asked.rate,
                    lifetime_ms=lifetime_ms,
                    certificates=asked.certificates,
                )
            )

        made = await self._premises.platform.run(make, by=caller)
        return json_response(_made(made), 201)

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "keys", "read")
        asked = read_query(request, KeysAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        after, limit = read_text_cursor(asked.cursor), asked.limit
        found = await self._premises.platform.run(
            lambda platform: platform.pages.keys(tenant, after, limit), by=caller
        )
        last = found[-1].id.encode() if len(found) == limit else None
        return json_response(KeyList(keys=[_shown(each) for each in found], cursor=cursor_of(last)))

    async def show(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "keys", "read")
        key_id = in_path(request, "id")
        found = await self._premises.platform.run(
            lambda platform: self._found(platform, caller, key_id, "read"), by=caller
        )
        return json_response(_shown(found))

    async def change(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "keys", "write")
        key_id = in_path(request, "id")
        asked = await read_json(request, KeyChanged)
        self._check_certificates(caller, asked.certificates)

        def change(platform: "Platform") -> Key:
            key = self._found(platform, caller, key_id, "write")
            if asked.certificates:
                self._refuse_more(caller, key.scopes)  # who shows one of them may do all that
            return platform.keys.bind(key.id, asked.certificates)

        return json_response(_shown(await self._premises.platform.run(change, by=caller)))

    async def revoke(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "keys", "write")
        key_id = in_path(request, "id")

        def revoke(platform: "Platform") -> Key:
            return platform.keys.revoke(self._found(platform, caller, key_id, "write").id)

        return json_response(_shown(await self._premises.platform.run(revoke, by=caller)))

    async def rotate(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "keys", "write")
        key_id = in_path(request, "id")
        asked = await read_json(request, RotationAsked)

        def rotate(platform: "Platform") -> "NewKey":
            key = self._found(platform, caller, key_id, "write")
            self._refuse_more(caller, key.scopes)  # the answer would be a key with them
            return platform.keys.rotate(key.id, asked.overlap_seconds * 1000)

        return json_response(_made(await self._premises.platform.run(rotate, by=caller)))

    def _lifetime_ms(self, asked: KeyAsked) -> int | None:
        if asked.expires_at is None:
            return None
        lifetime = unix_ms(asked.expires_at) - self._premises.clock()
        if lifetime <= 0:
            raise invalid("expiresAt", "expiresAt: that time is over")
        return lifetime

    def _check_certificates(self, caller: Caller, names: Sequence[str]) -> None:
        """Raises FaultError: whose a name is only the operator knows (P7)."""
        if names and not self._premises.may(caller, "tenants", "write"):
            text = "certificates: needs the scope tenants:write"
            raise invalid("certificates", text, FaultKind.NO_SCOPE)

    def _refuse_more(self, caller: Caller, scopes: Sequence[str]) -> None:
        more = find_uncovered(self._premises.scopes(caller), scopes)
        if more is not None:
            text = f"The key does not have the scope {more}, and cannot give it to another one"
            raise invalid("scopes", text, FaultKind.NO_SCOPE)

    def _found(self, platform: "Platform", caller: Caller, key_id: str, action: str) -> Key:
        """Raises NotFoundError, also for another tenant's."""
        found = platform.keys.find(key_id)
        if found.tenant != caller.tenant and not self._premises.may(caller, "tenants", action):
            raise NotFoundError(f"there is no key {key_id!r}")
        return found


def _made(made: "NewKey") -> KeyMade:
    key = made.key
    if key.kind == "ses":
        return KeyMade(
            id=key.id,
            prefix=_prefix(key),
            access_key_id=made.access_key_id,
            secret_access_key=made.text,
        )
    return KeyMade(id=key.id, prefix=_prefix(key), key=made.text)


def _shown(key: Key) -> KeyShown:
    return KeyShown(
        id=key.id,
        prefix=_prefix(key),
        kind=key.kind,
        tenant=key.tenant,
        name=key.name,
        scopes=key.scopes,
        networks=key.networks,
        rate=key.rate,
        certificates=key.certificates,
        version=key.secrets[-1].version,
        created_at=time_text(key.created),
        expires_at=maybe_time(key.expires),
        revoked_at=maybe_time(key.revoked),
    )


def _prefix(key: Key) -> str:
    return ses_access_key_id(key.id) if key.kind == "ses" else key_prefix(key.kind, key.id)

"""/v1/login/oidc: people whom a provider of OpenID Connect vouches for, beside passwords and passkeys.

What is under way is in a cookie, sealed: another browser's answer is refused (RFC 6749 section 10.12). The answer is
JSON, as of every other log-in: nobody is sent on to an address that a request names.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final, Protocol

import msgspec
from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.people import LoggedIn, logged_in, signed_in_of
from angarium.api.native.premises import Premises
from angarium.api.native.wire import Asked, Wire, in_path, invalid, read_query
from angarium.api.oidc import (
    FLOW_MS,
    AwayError,
    Flow,
    Identity,
    Metadata,
    OidcError,
    authorization_url,
    begin,
    read_answer,
)
from angarium.api.sessions import Sessions
from angarium.config.schema import OidcProvider, Role
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.tenancy.model import TenancySetupError

COOKIE: Final = "angarium_oidc"
PATH: Final = "/v1/login/oidc"
RETRY_S: Final = 10
_MAX_COOKIE: Final = 4096
_MAX_ANSWER: Final = 4096  # characters of each parameter


class Asks(Protocol):
    """Who speaks with providers: ``api.oidc_client``."""

    async def metadata(self, provider: OidcProvider) -> Metadata: ...

    async def identity(self, provider: OidcProvider, flow: Flow, code: str) -> Identity: ...


class Seals(Protocol):
    """``tenancy.Secrets``."""

    def seal(self, octets: bytes, *place: str) -> bytes: ...

    def open(self, sealed: bytes, *place: str) -> bytes: ...


class ProviderShown(Wire, frozen=True, kw_only=True):
    name: str
    url: str  # where a browser goes to log in


class ProviderList(Wire, frozen=True, kw_only=True):
    providers: Sequence[ProviderShown]


class LoginElsewhere(Asked, frozen=True, kw_only=True):
    tenant: Annotated[str, Meta(max_length=64)] = ""  # omitted: the first of the account's


class ProviderAnswer(Wire, frozen=True, kw_only=True):
    """What a provider sends the browser back with; what else it adds is not looked at."""

    state: str = ""
    code: str = ""
    iss: str = ""
    error: str = ""
    error_description: str = ""


class LoggedInElsewhere(LoggedIn, frozen=True, kw_only=True, omit_defaults=True):
    # of an account that was made for this log-in: its own way in, shown this once. To keep, or to change
    password: str = ""


class LinkBegun(Wire, frozen=True, kw_only=True):
    url: str  # where the browser that keeps the answer's cookie goes


class Linked(Wire, frozen=True, kw_only=True):
    identities: Sequence[str]  # issuers that vouch for the account's person


class ProviderResource:
    def __init__(
        self,
        premises: Premises,
        sessions: Sessions,
        client: Asks,
        secrets: Seals,
        random_octets: Callable[[int], bytes],
    ) -> None:
        self._premises = premises
        self._sessions = sessions
        self._client = client
        self._secrets = secrets
        self._random_octets = random_octets

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="GET",
                path=PATH,
                handler=self.list,
                summary="List where people may log in besides.",
                is_open=True,
                answers={200: ProviderList},
            ),
            Route(
                method="GET",
                path=f"{PATH}/{{name}}",
                handler=self.start,
                summary="Send a browser to a provider to log in.",
                is_open=True,
                query=LoginElsewhere,
                answers={303: None},
            ),
            Route(
                method="GET",
                path=f"{PATH}/{{name}}/callback",
                handler=self.finish,
                summary="Where a provider sends the browser back: it is logged in, or its link is made.",
                is_open=True,
                query=ProviderAnswer,
                answers={200: LoggedInElsewhere, 201: Linked},
            ),
            Route(
                method="POST",
                path=f"{PATH}/{{name}}/link",
                handler=self.begin_link,
                summary="Begin to link the account of who is logged in with their person at a provider.",
                answers={200: LinkBegun},
            ),
            Route(
                method="DELETE",
                path=f"{PATH}/{{name}}/link",
                handler=self.unlink,
                summary="Have a provider vouch for the account of who is logged in no more. Its sessions end.",
                answers={204: None},
            ),
        )

    async def list(self, request: web.Request) -> web.Response:
        found = [
            ProviderShown(name=each.name, url=f"{PATH}/{each.name}")
            for each in self._premises.config().tenancy.oidc
        ]
        return json_response(ProviderList(providers=found))

    async def start(self, request: web.Request) -> web.Response:
        provider = self._provider(request)
        asked = read_query(request, LoginElsewhere)
        self._sessions.begin_elsewhere(request)
        url, flow = await self._begun(provider, tenant=asked.tenant)
        response = web.Response(status=303, headers={"Location": url})
        self._keep(response, provider, flow)
        return response

    async def finish(self, request: web.Request) -> web.Response:
        provider = self._provider(request)
        self._sessions.begin_elsewhere(request)
        flow = self._kept(request, provider)
        try:
            metadata = await self._client.metadata(provider)
            code = read_answer(_answer(request), provider, metadata, flow)
            assert flow is not None  # ``read_answer`` saw to it
            identity = await self._client.identity(provider, flow, code)
        except OidcError as error:
            raise _refused(error) from None
        response = await self._concluded(provider, flow, identity)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.del_cookie(COOKIE, path=PATH)
        return response

    async def begin_link(self, request: web.Request) -> web.Response:
        self._premises.admit(request, "", "")
        account = signed_in_of(request).account.name
        provider = self._provider(request)
        url, flow = await self._begun(provider, account=account)
        response = json_response(LinkBegun(url=url))
        self._keep(response, provider, flow)
        return response

    async def unlink(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "", "")
        name, provider = signed_in_of(request).account.name, self._provider(request)
        await self._premises.platform.run(
            lambda platform: platform.identities.unlink(name, provider.issuer), by=caller
        )
        return web.Response(status=204)

    async def _concluded(
        self, provider: OidcProvider, flow: Flow, identity: Identity
    ) -> web.Response:
        # Imported where it is used: SQLAlchemy is 25 MB
        from angarium.tenancy.identities import NewMember, Vouched

        vouched = Vouched(
            issuer=identity.issuer,
            subject=identity.subject,
            state=flow.state,
            expires=flow.expires,
        )
        if flow.account:
            account = await self._premises.platform.run(
                lambda platform: platform.acting_as(f"account {flow.account}").identities.link_own(
                    flow.account, vouched
                )
            )
            return json_response(Linked(identities=account.identities), 201)
        new = None
        if provider.create and identity.address:
            new = NewMember(
                name=identity.address, tenant=provider.tenant, role=_role(provider, identity)
            )
        entered = await self._sessions.log_in_by_provider(vouched, flow.tenant, new)
        known = msgspec.structs.asdict(logged_in(entered.session))
        return json_response(LoggedInElsewhere(**known, password=entered.password))

    async def _begun(
        self, provider: OidcProvider, *, account: str = "", tenant: str = ""
    ) -> tuple[str, Flow]:
        try:
            metadata = await self._client.metadata(provider)
        except OidcError as error:
            raise _refused(error) from None
        now = self._premises.clock()
        flow = begin(provider, self._random_octets, now, account=account, tenant=tenant)
        return authorization_url(metadata, provider, flow), flow

    def _provider(self, request: web.Request) -> OidcProvider:
        """Raises FaultError."""
        name = in_path(request, "name")
        for each in self._premises.config().tenancy.oidc:
            if each.name == name:
                return each
        raise invalid("name", "There is no such provider", FaultKind.NOT_FOUND)

    def _keep(self, response: web.Response, provider: OidcProvider, flow: Flow) -> None:
        sealed = self._secrets.seal(msgspec.json.encode(flow), "oidc", provider.name)
        response.set_cookie(
            COOKIE,
            urlsafe_b64encode(sealed).decode(),
            max_age=FLOW_MS // 1000,
            path=PATH,
            httponly=True,
            secure=provider.redirect_url.startswith("https://"),
            # A provider sends the browser back from its own site: Strict would keep it from us
            samesite="Lax",
        )

    def _kept(self, request: web.Request, provider: OidcProvider) -> Flow | None:
        text = request.cookies.get(COOKIE, "")
        if not text or len(text) > _MAX_COOKIE:
            return None
        try:
            sealed = urlsafe_b64decode(text.encode("ascii"))
            opened = self._secrets.open(sealed, "oidc", provider.name)
            flow = msgspec.json.decode(opened, type=Flow)
        except (ValueError, TenancySetupError):
            return None
        return flow if self._premises.clock() < flow.expires else None


def _answer(request: web.Request) -> Mapping[str, str]:
    """Raises OidcError: a parameter is there twice (RFC 6749 section 3.1), or is too long."""
    if len(request.query) != len(set(request.query)):
        raise OidcError("the answer names a parameter twice")
    if any(len(each) > _MAX_ANSWER for each in request.query.values()):
        raise OidcError(f"a parameter of the answer has more than {_MAX_ANSWER} characters")
    return request.query


def _role(provider: OidcProvider, identity: Identity) -> Role:
    fitting = (each.role for each in provider.roles if each.value in identity.groups)
    return next(fitting, provider.role)


def _refused(error: OidcError) -> FaultError:
    text = str(error)[:1].upper() + str(error)[1:]
    if isinstance(error, AwayError):
        return FaultError(Fault(kind=FaultKind.BUSY, message=text, retry_after_s=RETRY_S))
    return FaultError(Fault(kind=FaultKind.WRONG_KEY, message=text))

"""/v1/passkeys, /v1/login/passkey: authenticators that let their person in, in place of password and code."""

from collections.abc import Sequence
from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.people import LoggedIn, logged_in, signed_in_of
from angarium.api.native.premises import Premises
from angarium.api.native.wire import Asked, Wire
from angarium.api.reading import read_json
from angarium.api.sessions import Sessions


class PasskeyOptions(Wire, frozen=True, kw_only=True):
    """What the browser's navigator.credentials is given, and what comes back with its answer."""

    challenge: str  # to send back; good once, for five minutes
    options: dict[str, Any]  # with publicKey, as WebAuthn's JSON has it


class PasskeyAsked(Asked, frozen=True, kw_only=True):
    challenge: Annotated[str, Meta(max_length=4096)]
    answer: dict[str, Any]  # of the browser, as WebAuthn's JSON has it
    label: Annotated[str, Meta(max_length=100)] = "passkey"  # what its person calls it


class PasskeyLoginAsked(Asked, frozen=True, kw_only=True):
    challenge: Annotated[str, Meta(max_length=4096)]
    answer: dict[str, Any]  # of the browser, as WebAuthn's JSON has it
    tenant: Annotated[str, Meta(max_length=64)] = ""  # omitted: the first of the account's


class PasskeyList(Wire, frozen=True, kw_only=True):
    passkeys: Sequence[str]  # what their person calls them


class PasskeyResource:
    def __init__(self, premises: Premises, sessions: Sessions) -> None:
        self._premises = premises
        self._sessions = sessions

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path="/v1/login/passkey/begin",
                handler=self.begin_login,
                summary="What an authenticator is asked to log its person in; nobody has to say who they are.",
                is_open=True,
                answers={200: PasskeyOptions},
            ),
            Route(
                method="POST",
                path="/v1/login/passkey",
                handler=self.log_in,
                summary="Log in by what an authenticator has answered.",
                is_open=True,
                request=PasskeyLoginAsked,
                answers={200: LoggedIn},
            ),
            Route(
                method="POST",
                path="/v1/passkeys/begin",
                handler=self.begin,
                summary="What an authenticator is asked to become a passkey of who is logged in.",
                answers={200: PasskeyOptions},
            ),
            Route(
                method="POST",
                path="/v1/passkeys",
                handler=self.add,
                summary="Add the passkey that an authenticator has made.",
                request=PasskeyAsked,
                answers={201: PasskeyList},
            ),
        )

    async def begin_login(self, request: web.Request) -> web.Response:
        asked = await self._sessions.begin_passkey(request, self._origin)
        return json_response(PasskeyOptions(challenge=asked.challenge, options=asked.options))

    async def log_in(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PasskeyLoginAsked)
        found = await self._sessions.log_in_by_passkey(
            request,
            self._origin,
            challenge=asked.challenge,
            answer=asked.answer,
            tenant=asked.tenant,
        )
        return json_response(logged_in(found))

    async def begin(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "", "")
        name, origin = signed_in_of(request).account.name, self._origin
        asked = await self._premises.platform.run(
            lambda platform: platform.passkeys.begin_registration(origin, name), by=caller
        )
        return json_response(PasskeyOptions(challenge=asked.challenge, options=asked.options))

    async def add(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "", "")
        name, origin = signed_in_of(request).account.name, self._origin
        asked = await read_json(request, PasskeyAsked)
        account = await self._premises.platform.run(
            lambda platform: platform.passkeys.finish_registration(
                origin, name, asked.challenge, asked.answer, asked.label
            ),
            by=caller,
        )
        return json_response(PasskeyList(passkeys=account.passkeys), 201)

    @property
    def _origin(self) -> str:
        return self._premises.config().tenancy.origin

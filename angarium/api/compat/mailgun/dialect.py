"""Mailgun's paths: POST /v3/{domain}/messages and messages.mime, for whoever has a key of ours."""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from angarium.api.access import Access
from angarium.api.client_certificates import peer_certificate
from angarium.api.compat.asking import send_all
from angarium.api.compat.mailgun.answers import in_mailguns_names, message_of, queued, status_of
from angarium.api.compat.mailgun.fields import FormField
from angarium.api.compat.mailgun.form import read_form
from angarium.api.compat.mailgun.orders import Request, read_message, read_mime_message
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.intake.sending import Sending
from angarium.queue.model import UnixMs
from angarium.smtp.address import AddressSyntaxError, parse_domain

NAME: Final = "mailgun"
_USER: Final = "api"
_REALM: Final = 'Basic realm="MG API"'
Reading = Callable[[Sequence[FormField], UnixMs], Request]


class Mailgun:
    """Satisfies ``api.dialect.Dialect``."""

    def __init__(self, access: Access, sending: Sending, clock: Callable[[], UnixMs]) -> None:
        self._access = access
        self._sending = sending
        self._clock = clock

    @property
    def name(self) -> str:
        return NAME

    def routes(self) -> Sequence[Route]:
        return (
            Route(method="POST", path="/v3/{domain}/messages", handler=self._messages),
            Route(method="POST", path="/v3/{domain}/messages.mime", handler=self._mime),
        )

    def fault_response(self, request: web.Request, fault: Fault) -> web.Response:
        response = json_response({"message": message_of(fault)}, status_of(fault))
        if response.status == 401:  # RFC 9110 section 11.6.1: it must say how
            response.headers["WWW-Authenticate"] = _REALM
        return response

    async def _messages(self, request: web.Request) -> web.Response:
        return await self._send(request, read_message)

    async def _mime(self, request: web.Request) -> web.Response:
        return await self._send(request, read_mime_message)

    async def _send(self, request: web.Request, read: Reading) -> web.Response:
        is_certified = "Authorization" not in request.headers and peer_certificate(request)
        presented = "" if is_certified else _presented(request)
        caller = self._access.caller(request, presented, "emails", "send", dialect=NAME)
        _check_domain(request.match_info["domain"], caller)
        # Filling in the variables of a thousand recipients takes a while: others are answered meanwhile
        wanted = await asyncio.to_thread(read, await read_form(request), self._clock())
        sent = await send_all(self._sending, caller, wanted.orders, wanted.once, in_mailguns_names)
        return json_response(queued(sent))


def _presented(request: web.Request) -> str:
    """Return the password of basic authentication; the user's name says nothing. Raises FaultError."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if not rest:
        text = f"No key was given: authenticate as {_USER}, with the key as the password"
        raise FaultError(Fault(kind=FaultKind.NO_KEY, message=text))
    try:
        if scheme.lower() == "basic":
            return b64decode(rest.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        pass
    text = f"Authorization is not Basic, with {_USER} and the key"
    raise FaultError(Fault(kind=FaultKind.WRONG_KEY, message=text))


def _check_domain(written: str, caller: Caller) -> None:
    """Raises FaultError for a domain that is not the tenant's, whether it is another's or nobody's (P7)."""
    try:
        domain = parse_domain(written)
    except AddressSyntaxError:
        domain = ""
    if domain not in caller.domains:
        fault = Fault(kind=FaultKind.DOMAIN, message=written[:255], field="domain")
        raise FaultError(fault)

"""Mailgun's paths: POST /v3/{domain}/messages and messages.mime, for whoever has a key of ours."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from aiohttp import web

from angarium.api.compat.asking import send_all
from angarium.api.compat.mailgun.answers import in_mailguns_names, message_of, queued, status_of
from angarium.api.compat.mailgun.callers import NAME, Callers
from angarium.api.compat.mailgun.fields import FormField
from angarium.api.compat.mailgun.form import read_form
from angarium.api.compat.mailgun.orders import Request, read_message, read_mime_message
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.intake.order import Fault
from angarium.intake.sending import Sending
from angarium.queue.model import UnixMs

_REALM: Final = 'Basic realm="MG API"'
Reading = Callable[[Sequence[FormField], UnixMs], Request]


class Resource(Protocol):
    def routes(self) -> Sequence[Route]: ...


class Mailgun:
    """Satisfies ``api.dialect.Dialect``."""

    def __init__(
        self,
        callers: Callers,
        sending: Sending,
        clock: Callable[[], UnixMs],
        *resources: Resource,
    ) -> None:
        """``resources``: what there is besides sending, such as ``events.EventList``."""
        self._callers = callers
        self._sending = sending
        self._clock = clock
        self._resources = resources

    @property
    def name(self) -> str:
        return NAME

    def routes(self) -> Sequence[Route]:
        return (
            *(route for each in self._resources for route in each.routes()),
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
        caller, _ = self._callers.of_domain(request, "emails", "send")
        # Filling in the variables of a thousand recipients takes a while: others are answered meanwhile
        wanted = await asyncio.to_thread(read, await read_form(request), self._clock())
        sent = await send_all(self._sending, caller, wanted.orders, wanted.once, in_mailguns_names)
        return json_response(queued(sent))

"""SendGrid's paths on our server: Mail Send, and templates."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, Protocol

from aiohttp import web

from angarium.api.compat.asking import once_key
from angarium.api.compat.sendgrid.callers import NAME, Callers
from angarium.api.compat.sendgrid.faults import fault_body, in_sendgrids_names, status_of
from angarium.api.compat.sendgrid.orders import to_orders
from angarium.api.compat.sendgrid.wire import WireMail
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.reading import read_json
from angarium.intake.order import Caller, Fault, FaultError, Order, Sent
from angarium.intake.sending import Sending

MESSAGE_ID: Final = "X-Message-Id"


class Resource(Protocol):
    def routes(self) -> Sequence[Route]: ...


class SendGrid:
    """Switched to by the clients' ``host`` or ``baseUrl``."""

    name = NAME

    def __init__(self, callers: Callers, sending: Sending, *resources: Resource) -> None:
        """``resources``: what there is besides sending."""
        self._callers = callers
        self._sending = sending
        self._resources = resources

    def routes(self) -> Sequence[Route]:
        return (
            Route(method="POST", path="/v3/mail/send", handler=self._send),
            *(route for each in self._resources for route in each.routes()),
        )

    def fault_response(self, request: web.Request, fault: Fault) -> web.Response:
        return json_response(fault_body(fault), status_of(fault))

    async def _send(self, request: web.Request) -> web.Response:
        caller = self._callers.admit(request, "emails", "send")
        once = once_key(request)
        orders = to_orders(await read_json(request, WireMail))
        sent = await self._sent(caller, orders, once)
        status = HTTPStatus.OK if sent[0].status == "sandbox" else HTTPStatus.ACCEPTED
        return web.Response(status=status, headers={MESSAGE_ID: sent[0].email_id})

    async def _sent(self, caller: Caller, orders: Sequence[Order], once: str) -> list[Sent]:
        """Return those that were taken, at least one. Raises FaultError.

        A personalization whose recipients are all suppressed keeps no other one from being sent; anything else that is
        wrong with one of them refuses all.
        """
        outcome = await self._sending.send(caller, orders, once=once, spare_suppressed=True)
        if isinstance(outcome, Fault):
            raise FaultError(in_sendgrids_names(outcome))
        sent = [each for each in outcome if isinstance(each, Sent)]
        if not sent:
            (first, *_) = (each for each in outcome if isinstance(each, Fault))
            raise FaultError(in_sendgrids_names(first))
        return sent

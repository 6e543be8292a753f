"""Resend's /emails: one, or a batch, sent; called off, or given another start, while they wait."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
from aiohttp import web

from angarium.api.access import Access, bearer_token
from angarium.api.compat.asking import once_key, send_all, send_one
from angarium.api.compat.faults import invalid, missing, renamed
from angarium.api.compat.moments import read_moment
from angarium.api.compat.resend.orders import NAMES, to_order, to_orders
from angarium.api.compat.resend.wire import WireEmail, WireReschedule
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.reading import read_json
from angarium.intake.order import Caller, Fault, FaultError, Order, Sent
from angarium.intake.sending import Sending
from angarium.intake.waiting_mail import WaitingMail
from angarium.queue.model import UnixMs

VALIDATION: Final = "x-batch-validation"


class Emails:
    def __init__(
        self,
        access: Access,
        sending: Sending,
        waiting: WaitingMail,
        clock: Callable[[], UnixMs],
    ) -> None:
        self._access = access
        self._sending = sending
        self._waiting = waiting
        self._clock = clock

    def routes(self) -> Sequence[Route]:
        return (
            Route(method="POST", path="/emails", handler=self._send),
            Route(method="POST", path="/emails/batch", handler=self._send_batch),
            Route(method="PATCH", path="/emails/{id}", handler=self._reschedule),
            Route(method="POST", path="/emails/{id}/cancel", handler=self._cancel),
        )

    def _caller(self, request: web.Request, action: str) -> Caller:
        presented = bearer_token(request)
        return self._access.caller(request, presented, "emails", action, dialect="resend")

    async def _send(self, request: web.Request) -> web.Response:
        caller = self._caller(request, "send")
        once = once_key(request)
        order = to_order(await read_json(request, WireEmail), self._clock())
        sent = await send_one(self._sending, caller, order, once, _in_resends_names)
        return json_response({"id": sent.email_id})

    async def _send_batch(self, request: web.Request) -> web.Response:
        caller = self._caller(request, "send")
        once = once_key(request)
        strict = _is_strict(request)
        orders = to_orders(await read_json(request, list[msgspec.Raw]), self._clock())
        if strict:
            sent = await send_all(self._sending, caller, orders, once, _in_resends_names)
            return json_response({"data": [{"id": each.email_id} for each in sent]})
        return await self._send_what_can_be(caller, orders, once)

    async def _send_what_can_be(
        self, caller: Caller, orders: Sequence[Order | Fault], once: str
    ) -> web.Response:
        outcome = await self._sending.send(caller, orders, once=once, strict=False)
        if isinstance(outcome, Fault):
            raise FaultError(_in_resends_names(outcome))
        data = [{"id": each.email_id} for each in outcome if isinstance(each, Sent)]
        errors = [
            {"index": at, "message": _in_resends_names(each).message}
            for at, each in enumerate(outcome)
            if isinstance(each, Fault)
        ]
        return json_response({"data": data, "errors": errors})

    async def _reschedule(self, request: web.Request) -> web.Response:
        caller = self._caller(request, "cancel")
        id_ = request.match_info["id"]
        asked = await read_json(request, WireReschedule)
        if asked.id and asked.id != id_:
            raise FaultError(invalid("id", "is another one than that of the path"))
        if not asked.scheduled_at:
            raise FaultError(missing("scheduled_at", "Missing `scheduled_at` field."))
        start = read_moment(asked.scheduled_at, "scheduled_at", self._clock())
        return await self._changed(id_, self._waiting.reschedule(caller, id_, start))

    async def _cancel(self, request: web.Request) -> web.Response:
        """Its body, which some clients send an empty one of, says nothing."""
        caller = self._caller(request, "cancel")
        id_ = request.match_info["id"]
        return await self._changed(id_, self._waiting.cancel(caller, id_))

    async def _changed(self, id_: str, change: Awaitable[object]) -> web.Response:
        try:
            await change
        except FaultError as error:
            raise FaultError(_in_resends_names(error.fault)) from None
        return json_response({"object": "email", "id": id_})


def _is_strict(request: web.Request) -> bool:
    match request.headers.get(VALIDATION, "strict").strip().lower():
        case "strict" | "":
            return True
        case "permissive":
            return False
        case _:
            raise FaultError(invalid(VALIDATION, "must be strict or permissive"))


def _in_resends_names(fault: Fault) -> Fault:
    return renamed(fault, NAMES, "emails")

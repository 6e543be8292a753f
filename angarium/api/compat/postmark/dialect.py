"""Postmark's API on our server: its paths, and its way of saying no."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from aiohttp import web

from angarium.api.access import Access
from angarium.api.compat.asking import once_key, send_one
from angarium.api.compat.faults import missing, renamed, unsupported
from angarium.api.compat.postmark.orders import (
    MAX_BATCH,
    NAMES,
    addresses_as_sent,
    order_or_fault,
    templated_order_or_fault,
    to_order,
    to_templated_order,
)
from angarium.api.compat.postmark.wire import WireEmail, WireTemplateBatch, WireTemplated
from angarium.api.compat.postmark.words import (
    KEY_FIELD,
    MAX_ITEMS,
    OK,
    fault_body,
    not_delivered_to,
    status_of,
)
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.reading import read_json
from angarium.intake.order import Caller, Fault, FaultError, FaultKind, Order, Sent
from angarium.intake.sending import Sending
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339


class Resource(Protocol):
    def routes(self) -> Sequence[Route]: ...


class Postmark:
    """Switched to by the clients' base URL."""

    name = "postmark"

    def __init__(
        self,
        access: Access,
        sending: Sending,
        clock: Callable[[], UnixMs],
        *resources: Resource,
    ) -> None:
        """``resources``: what there is besides sending, such as ``sent.SentMessages``."""
        self._access = access
        self._sending = sending
        self._clock = clock
        self._resources = resources

    def routes(self) -> Sequence[Route]:
        reads = tuple(route for each in self._resources for route in each.routes())
        return reads + tuple(
            Route(method="POST", path=path, handler=handler)
            for path, handler in (
                ("/email", self._send),
                ("/email/batch", self._send_batch),
                # Documented with the slash, and used without
                ("/email/withTemplate", self._send_template),
                ("/email/withTemplate/", self._send_template),
                ("/email/batchWithTemplates", self._send_templates),
                ("/email/batchWithTemplates/", self._send_templates),
                ("/email/bulk", self._send_bulk),
            )
        )

    def fault_response(self, request: web.Request, fault: Fault) -> web.Response:
        return json_response(fault_body(fault), status_of(fault))

    def _caller(self, request: web.Request, action: str) -> Caller:
        presented = request.headers.get(KEY_FIELD, "").strip()
        return self._access.caller(request, presented, "emails", action, dialect=self.name)

    async def _send(self, request: web.Request) -> web.Response:
        caller = self._caller(request, "send")
        once = once_key(request)
        email = await read_json(request, WireEmail)
        sent = await send_one(self._sending, caller, to_order(email), once, _in_postmarks_names)
        return json_response(_item(email.to, sent))

    async def _send_batch(self, request: web.Request) -> web.Response:
        """Each is sent or not by itself."""
        caller = self._caller(request, "send")
        once = once_key(request)
        batch = await read_json(request, list[msgspec.Raw])
        _check_count(batch)
        return await self._sent_batch(caller, batch, [order_or_fault(each) for each in batch], once)

    async def _sent_batch(
        self,
        caller: Caller,
        batch: Sequence[msgspec.Raw],
        orders: Sequence[Order | Fault],
        once: str,
    ) -> web.Response:
        outcome = await self._sending.send(caller, orders, once=once, strict=False)
        if isinstance(outcome, Fault):
            raise FaultError(_in_postmarks_names(outcome))
        return json_response(
            [
                _item(addresses_as_sent(item), each)
                if isinstance(each, Sent)
                else self._failed_item(item, fault_body(_in_postmarks_names(each)))
                for item, each in zip(batch, outcome, strict=True)
            ]
        )

    async def _send_template(self, request: web.Request) -> web.Response:
        caller = self._caller(request, "send")
        once = once_key(request)
        email = await read_json(request, WireTemplated)
        order = to_templated_order(email)
        sent = await send_one(self._sending, caller, order, once, _in_postmarks_names)
        return json_response(_item(email.to, sent))

    async def _send_templates(self, request: web.Request) -> web.Response:
        """Likewise."""
        caller = self._caller(request, "send")
        once = once_key(request)
        batch = (await read_json(request, WireTemplateBatch)).messages
        _check_count(batch)
        orders = [templated_order_or_fault(each) for each in batch]
        return await self._sent_batch(caller, batch, orders, once)

    async def _send_bulk(self, request: web.Request) -> web.Response:
        self._caller(request, "send")
        raise FaultError(unsupported("/email/bulk", "send to /email/batch"))

    def _failed_item(self, item: msgspec.Raw, fault: dict[str, Any]) -> dict[str, Any]:
        """With all five fields: Python's client reads none of a batch without them."""
        to = addresses_as_sent(item)
        return {"To": to, "SubmittedAt": rfc3339(self._clock()), "MessageID": "", **fault}


def _item(to: str, sent: Sent) -> dict[str, Any]:
    return {
        "To": to,
        "SubmittedAt": rfc3339(sent.accepted_at),
        "MessageID": sent.email_id,
        "ErrorCode": 0,
        "Message": not_delivered_to(sent.suppressed) if sent.suppressed else OK,
    }


def _check_count(batch: Sequence[object]) -> None:
    """Raises FaultError."""
    if not batch:
        raise FaultError(missing("body", "The batch is empty: send a list of emails"))
    if len(batch) > MAX_BATCH:
        message = f"Too many batch messages: a batch has at most {MAX_BATCH}, this one {len(batch)}"
        fault = Fault(kind=FaultKind.INVALID, message=message, field="body", constraint=MAX_ITEMS)
        raise FaultError(fault)


def _in_postmarks_names(fault: Fault) -> Fault:
    return renamed(fault, NAMES)

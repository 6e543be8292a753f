"""POST /v1/send, /v1/batch_send, /v1/send-raw: mail is handed over, and durable when it is answered."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import msgspec
from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.json_body import decode_item
from angarium.api.native.answers import fault_answer, json_response
from angarium.api.native.finding_wire import shown_findings
from angarium.api.native.send_orders import raw_order, send_order
from angarium.api.native.send_wire import (
    MAX_MESSAGES,
    BatchAnswer,
    BatchAsked,
    BatchDescribed,
    BatchResult,
    MailAnswer,
    RawAsked,
    SendAnswer,
    SendAsked,
)
from angarium.api.reading import read_json
from angarium.content.letter import LetterError
from angarium.intake.faults import fault_of
from angarium.intake.order import Caller, Fault, FaultError, FaultKind, Order, Sent
from angarium.intake.sending import Sending
from angarium.telemetry.timestamp import rfc3339

KEY = "Idempotency-Key"
T = TypeVar("T", SendAsked, RawAsked)


class Admits(Protocol):
    def __call__(self, request: web.Request, resource: str, action: str) -> Caller:
        """Say whose request it is. Raises FaultError."""
        ...


class SendResource:
    def __init__(self, sending: Sending, admit: Admits) -> None:
        self._sending = sending
        self._admit = admit

    def routes(self) -> Sequence[Route]:
        """Those without /v1 are what people wrote before."""
        return [
            Route(
                method="POST",
                path=path,
                handler=handler,
                summary=summary,
                scope="emails:send",
                request=asked,
                answers={200: answer},
            )
            for paths, handler, summary, asked, answer in (
                (
                    ("/v1/send", "/v1/send-email", "/send-email", "/send"),
                    self.send,
                    "Send a message. It is on disk when this is answered.",
                    SendAsked,
                    SendAnswer,
                ),
                (
                    ("/v1/batch_send", "/batch_send"),
                    self.batch,
                    "Send up to 1,000 messages in one commit, each with a result of its own.",
                    BatchDescribed,
                    BatchAnswer,
                ),
                (
                    ("/v1/send-raw",),
                    self.raw,
                    "Send a message that is written already.",
                    RawAsked,
                    SendAnswer,
                ),
            )
            for path in paths
        ]

    async def send(self, request: web.Request) -> web.Response:
        return await self._one(request, SendAsked, send_order)

    async def raw(self, request: web.Request) -> web.Response:
        return await self._one(request, RawAsked, raw_order)

    async def batch(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "emails", "send")
        asked = await read_json(request, BatchAsked)
        if not asked.messages:
            raise _invalid("messages", "none is there", "min_items")
        if len(asked.messages) > MAX_MESSAGES:
            raise _invalid("messages", f"more than {MAX_MESSAGES}", "max_items")
        is_strict = asked.validation == "strict"
        orders = [_order_of(each) for each in asked.messages]
        found = await self._sending.send(
            caller, orders, once=once_key(request, asked.send_id), strict=is_strict
        )
        if isinstance(found, Fault):
            # One alone is a batch, too
            if len(orders) == 1 and found.kind not in _OF_ALL and found.field not in ("", KEY):
                found = msgspec.structs.replace(found, field=f"messages[0].{found.field}")
            raise FaultError(found)
        return json_response(BatchAnswer(success=True, results=tuple(map(_result, found))))

    async def _one(
        self, request: web.Request, kind: type[T], order_of: Callable[[T], Order]
    ) -> web.Response:
        caller = self._admit(request, "emails", "send")
        asked = await read_json(request, kind)
        once = once_key(request, asked.send_id)
        found = await self._sending.send(caller, (order_of(asked),), once=once)
        sent = found if isinstance(found, Fault) else found[0]
        if isinstance(sent, Fault):
            raise FaultError(sent)
        return json_response(
            SendAnswer(
                success=True,
                email_id=sent.email_id,
                message_id=sent.message_id,
                status=sent.status,
                accepted_at=rfc3339(sent.accepted_at),
                suppressed=sent.suppressed,
                emails=_mails(sent),
                findings=shown_findings(sent.findings),
            )
        )


def once_key(request: web.Request, send_id: str) -> str:
    """Return the client's key, in the body or the header. Raises FaultError: there are two of them."""
    header = request.headers.get(KEY, "").strip()
    if header and send_id and header != send_id:
        raise _invalid(KEY, "is another one than sendId: give one of them", "idempotency")
    return header or send_id


# What is about the request as a whole, and no message of it
_OF_ALL = frozenset(
    {
        FaultKind.KEY_REUSED,
        FaultKind.UNDER_WAY,
        FaultKind.QUOTA,
        FaultKind.BUSY,
        FaultKind.DISK_FULL,
    }
)


def _order_of(message: msgspec.Raw) -> Order | Fault:
    try:
        asked = decode_item(message, SendAsked)
        if asked.send_id:
            return _invalid("sendId", "is of the whole batch: write it beside messages", "").fault
        return send_order(asked)
    except FaultError as error:
        return error.fault
    except LetterError as error:
        return fault_of(error)


def _result(found: Sent | Fault) -> object:
    if isinstance(found, Fault):
        return fault_answer(found)
    return BatchResult(
        success=True,
        email_id=found.email_id,
        message_id=found.message_id,
        suppressed=found.suppressed,
        emails=_mails(found),
        findings=shown_findings(found.findings),
    )


def _mails(sent: Sent) -> tuple[MailAnswer, ...]:
    return tuple(
        [
            MailAnswer(to=each.address, email_id=each.email_id, message_id=each.message_id)
            for each in sent.mails
        ]
    )


def _invalid(field: str, reason: str, constraint: str) -> FaultError:
    message = f"{field}: {reason}"
    return FaultError(
        Fault(kind=FaultKind.INVALID, message=message, field=field, constraint=constraint)
    )

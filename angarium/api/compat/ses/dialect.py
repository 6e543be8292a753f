"""SES's paths under /v2/email: sending, the account, and the suppressions of whoever's key signed the request."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web

from angarium.api.access import REQUEST_ID
from angarium.api.compat.asking import send_one
from angarium.api.compat.faults import invalid
from angarium.api.compat.ses import wire
from angarium.api.compat.ses.account import AccountFigures, account_of
from angarium.api.compat.ses.answers import (
    ERROR_TYPE,
    entry_result,
    error_of,
    in_bulk_names,
    in_sess_names,
)
from angarium.api.compat.ses.bulk import read_entries
from angarium.api.compat.ses.orders import read_order
from angarium.api.compat.ses.signed import SignedCallers
from angarium.api.compat.ses.suppressed import check_tenant
from angarium.api.compat.ses.suppressed_list import SuppressedList
from angarium.api.compat.ses.templates import SesTemplates
from angarium.api.dialect import Handler, Route
from angarium.api.json_body import decode_json
from angarium.api.native.answers import json_response
from angarium.api.reading import check_content_type
from angarium.intake.order import Caller, Fault, FaultError, Order
from angarium.intake.sending import Sending

T = TypeVar("T")
NAME: Final = "ses"
_TEMPLATES: Final = "/v2/email/templates"
_TEMPLATE: Final = f"{_TEMPLATES}/{{name}}"
_ADDRESSES: Final = "/v2/email/suppression/addresses"
# The same over all attempts of an SDK's one call
_INVOCATION: Final = "amz-sdk-invocation-id"
_INVOCATION_CHARACTERS: Final = 128


class Ses:
    """Satisfies ``api.dialect.Dialect``."""

    def __init__(
        self,
        callers: SignedCallers,
        sending: Sending,
        suppressed: SuppressedList,
        figures: Callable[[Caller], AccountFigures],
        templates: SesTemplates | None = None,
    ) -> None:
        self._callers = callers
        self._sending = sending
        self._suppressed = suppressed
        self._figures = figures
        self._templates = templates

    @property
    def name(self) -> str:
        return NAME

    def routes(self) -> Sequence[Route]:
        return tuple(
            Route(method=method, path=path, handler=handler)
            for method, path, handler in (
                ("POST", "/v2/email/outbound-emails", self._send),
                ("POST", "/v2/email/outbound-bulk-emails", self._send_bulk),
                ("GET", "/v2/email/account", self._account),
                ("GET", _ADDRESSES, self._list_suppressed),
                ("PUT", _ADDRESSES, self._put_suppressed),
                ("GET", f"{_ADDRESSES}/{{address}}", self._get_suppressed),
                ("DELETE", f"{_ADDRESSES}/{{address}}", self._delete_suppressed),
                *(() if self._templates is None else self._template_handlers(self._templates)),
            )
        )

    def fault_response(self, request: web.Request, fault: Fault) -> web.Response:
        error = error_of(fault)
        response = _answer(request, {"message": error.message}, error.status)
        response.headers[ERROR_TYPE] = error.type
        return response

    def _template_handlers(self, kept: SesTemplates) -> Sequence[tuple[str, str, Handler]]:
        async def create(request: web.Request) -> web.Response:
            caller, body = await self._callers.read(request, "templates", "write")
            asked = _decoded(request, body, wire.CreateEmailTemplate)
            return _answer(request, await kept.create(caller, asked))

        async def list_(request: web.Request) -> web.Response:
            caller, _ = await self._callers.read(request, "templates", "read")
            return _answer(request, await kept.list(caller, _query(request)))

        async def get(request: web.Request) -> web.Response:
            caller, _ = await self._callers.read(request, "templates", "read")
            return _answer(request, await kept.get(caller, request.match_info["name"]))

        async def update(request: web.Request) -> web.Response:
            caller, body = await self._callers.read(request, "templates", "write")
            asked = _decoded(request, body, wire.UpdateEmailTemplate)
            return _answer(request, await kept.update(caller, request.match_info["name"], asked))

        async def delete(request: web.Request) -> web.Response:
            caller, _ = await self._callers.read(request, "templates", "write")
            return _answer(request, await kept.delete(caller, request.match_info["name"]))

        async def render(request: web.Request) -> web.Response:
            caller, body = await self._callers.read(request, "templates", "read")
            asked = _decoded(request, body, wire.RenderEmailTemplate)
            return _answer(request, await kept.render(caller, request.match_info["name"], asked))

        return (
            ("POST", _TEMPLATES, create),
            ("GET", _TEMPLATES, list_),
            ("GET", _TEMPLATE, get),
            ("PUT", _TEMPLATE, update),
            ("DELETE", _TEMPLATE, delete),
            ("POST", f"{_TEMPLATE}/render", render),
        )

    async def _send(self, request: web.Request) -> web.Response:
        caller, body = await self._callers.read(request, "emails", "send")
        order = read_order(_decoded(request, body, wire.SendEmail), caller.tenant)
        names = partial(in_sess_names, template=_template_of(order))
        sent = await send_one(self._sending, caller, order, _once(request), names)
        return _answer(request, {"MessageId": sent.email_id})

    async def _send_bulk(self, request: web.Request) -> web.Response:
        caller, body = await self._callers.read(request, "emails", "send")
        orders = read_entries(_decoded(request, body, wire.SendBulkEmail), caller.tenant)
        outcome = await self._sending.send(caller, orders, once=_once(request), strict=False)
        if isinstance(outcome, Fault):
            raise FaultError(in_sess_names(outcome))
        results = [
            entry_result(
                in_bulk_names(each, at, _template_of(order)) if isinstance(each, Fault) else each
            )
            for at, (order, each) in enumerate(zip(orders, outcome, strict=True))
        ]
        return _answer(request, {"BulkEmailEntryResults": results})

    async def _account(self, request: web.Request) -> web.Response:
        caller, _ = await self._callers.read(request, "emails", "read")
        return _answer(request, account_of(self._figures(caller)))

    async def _list_suppressed(self, request: web.Request) -> web.Response:
        caller, _ = await self._callers.read(request, "suppressions", "read")
        return _answer(request, await self._suppressed.list(caller, _query(request)))

    async def _get_suppressed(self, request: web.Request) -> web.Response:
        caller, _ = await self._callers.read(request, "suppressions", "read")
        _check_only_tenant(request, caller)
        return _answer(request, await self._suppressed.get(caller, request.match_info["address"]))

    async def _put_suppressed(self, request: web.Request) -> web.Response:
        caller, body = await self._callers.read(request, "suppressions", "write")
        wanted = _decoded(request, body, wire.PutSuppressedDestination)
        await self._suppressed.put(caller, wanted)
        return _answer(request, {})

    async def _delete_suppressed(self, request: web.Request) -> web.Response:
        caller, _ = await self._callers.read(request, "suppressions", "write")
        _check_only_tenant(request, caller)
        await self._suppressed.delete(caller, request.match_info["address"])
        return _answer(request, {})


def _decoded(request: web.Request, body: bytes, kind: type[T]) -> T:
    check_content_type(request)
    return decode_json(body, kind)


def _query(request: web.Request) -> list[tuple[str, str]]:
    query = request.raw_path.partition("?")[2]
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=64, errors="strict")
    except ValueError:
        raise FaultError(invalid("query", "cannot be read")) from None


def _check_only_tenant(request: web.Request, caller: Caller) -> None:
    for name, value in _query(request):
        if name != "TenantName":
            raise FaultError(invalid(name[:80], "is no parameter of this request"))
        check_tenant(value, caller.tenant)


def _template_of(order: Order | Fault) -> str:
    if isinstance(order, Fault) or order.template is None:
        return ""
    return order.template.name


def _once(request: web.Request) -> str:
    """Return the idempotency key of the call; "": its client has none. Raises FaultError."""
    found = request.headers.get(_INVOCATION, "").strip()
    if len(found) > _INVOCATION_CHARACTERS:
        raise FaultError(invalid(_INVOCATION, f"has more than {_INVOCATION_CHARACTERS} characters"))
    return f"{_INVOCATION}:{found}" if found else ""


def _answer(request: web.Request, answer: object, status: int = 200) -> web.Response:
    response = json_response(answer, status)
    response.headers["x-amzn-RequestId"] = request.get(REQUEST_ID, "")
    return response

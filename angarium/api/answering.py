"""The boundary of the HTTP server: each request gets a name and an answer in its own dialect, and is counted."""

import logging
import time
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from angarium.api.access import ALLOWANCE, REQUEST_ID, REQUESTED_AT
from angarium.api.load import Load
from angarium.api.measuring import RequestMeter
from angarium.api.native.answers import fault_response
from angarium.api.paths import DIALECT, Paths
from angarium.api.request_ids import REQUEST_ID_FIELD, choose_request_id
from angarium.content.letter import LetterError
from angarium.intake.faults import fault_of
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue.wall_clock import wall_clock
from angarium.telemetry.log import log_ids

_KINDS: Final = {
    400: FaultKind.MALFORMED,
    403: FaultKind.NO_SCOPE,
    404: FaultKind.NOT_FOUND,
    405: FaultKind.METHOD,
    413: FaultKind.TOO_LARGE,
    415: FaultKind.MEDIA_TYPE,
}
# A body that ends too early, or is not in the chunks that it should be in
_BROKEN: Final = (web.RequestPayloadError, HttpProcessingError)
_SHOWN: Final = 200  # characters of a path in an answer
_log: Final = logging.getLogger(__name__)


class Answering:
    def __init__(self, paths: Paths, load: Load, meter: RequestMeter) -> None:
        self._paths = paths
        self._load = load
        self._meter = meter

    def middleware(self) -> Middleware:
        """The outermost: whatever happens, the client gets an answer in its own dialect."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            begun = time.monotonic()
            request[REQUESTED_AT] = wall_clock()
            request[REQUEST_ID] = choose_request_id(request.headers.get(REQUEST_ID_FIELD))
            with log_ids(request_id=request[REQUEST_ID]):
                response = await self._answer(request, handler)
            _mark(request, response)
            dialect = request.get(DIALECT)
            name = "none" if dialect is None else dialect.name
            self._meter.answered(name, response.status, time.monotonic() - begun)
            return response

        return middleware

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._load.begin(request)
            try:
                return await handler(request)
            finally:
                self._load.end(request)
        except FaultError as error:
            return self._refuse(request, error.fault)
        except LetterError as error:
            return self._refuse(request, fault_of(error))
        except web.HTTPException as error:
            return self._refuse_as(request, error)
        except Exception as error:  # noqa: BLE001 - boundary: one request ends no other
            return self._refuse(request, _fault_of(request, error))

    def _refuse(self, request: web.Request, fault: Fault) -> web.Response:
        self._meter.refused(fault.kind.value.lower())
        dialect = request.get(DIALECT) or self._paths.dialect_of(request)
        if dialect is None:
            response = fault_response(fault)
        else:
            request[DIALECT] = dialect
            response = dialect.fault_response(request, fault)
        if fault.retry_after_s is not None:
            response.headers["Retry-After"] = str(fault.retry_after_s)
        return response

    def _refuse_as(self, request: web.Request, error: web.HTTPException) -> web.StreamResponse:
        """Of what aiohttp itself refuses. What is no refusal, such as a redirect, is answered as it was raised."""
        if error.status < 400:
            return web.Response(status=error.status, headers=error.headers, body=error.body)
        kind = _KINDS.get(error.status, FaultKind.INTERNAL if error.status >= 500 else None)
        text = f"{error.reason}: {request.method} {request.path}"[:_SHOWN]
        fault = Fault(kind=kind or FaultKind.MALFORMED, message=text)
        response = self._refuse(request, fault)
        if allow := error.headers.get("Allow"):
            response.headers["Allow"] = allow
        return response


def _fault_of(request: web.Request, error: Exception) -> Fault:
    """What a client breaks off is no fault of ours; all else is, and is logged."""
    if isinstance(error, _BROKEN) or (isinstance(error, ConnectionError) and _has_gone(request)):
        text = "The body broke off, or is not encoded as the request says"
        return Fault(kind=FaultKind.MALFORMED, message=text, field="body")
    ids = {"path": request.path}
    _log.error("a request failed", exc_info=error, extra={"event": "http_failed", "ids": ids})
    text = f"The server failed; its log says why (request {request[REQUEST_ID]})"
    return Fault(kind=FaultKind.INTERNAL, message=text)


def _has_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _mark(request: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    headers["Server"] = "Angarium"
    headers["Cache-Control"] = "no-store"
    headers["X-Content-Type-Options"] = "nosniff"
    headers[REQUEST_ID_FIELD] = request[REQUEST_ID]
    if (allowance := request.get(ALLOWANCE)) is not None:
        headers["RateLimit-Limit"] = str(allowance.limit)
        headers["RateLimit-Remaining"] = str(allowance.remaining)
        headers["RateLimit-Reset"] = str(-(-allowance.reset_ms // 1000))

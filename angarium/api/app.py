"""The whole of what a listener serves: health, metrics, receivers of notifications, and the dialects of the API.

What is refused, by whomever, is answered in the form of the dialect whose path was asked, and each answer has an id.
"""

import ipaddress
import logging
import uuid
from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from angarium.api.access import ALLOWANCE, LISTENER, REQUEST_ID
from angarium.api.cors import Cors
from angarium.api.dialect import Dialect
from angarium.api.health import HealthSource, health_routes, metrics_route
from angarium.api.load import LOAD, Load
from angarium.api.native.answers import fault_response
from angarium.api.notifications import Notifications
from angarium.api.paths import DIALECT, LeadingSlashes, Paths
from angarium.api.reading import LIMITS, ReadingLimits
from angarium.content.letter import LetterError
from angarium.intake.faults import fault_of
from angarium.intake.order import Fault, FaultError, FaultKind

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
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


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What one listener serves. None, or empty: nothing of that kind."""

    listener: str = ""  # its address as configured
    health: HealthSource | None = None
    metrics: HealthSource | None = None
    notifications: Notifications | None = None
    dialects: Sequence[Dialect] = ()
    trusted_networks: Sequence[str] = ()  # only clients in these are answered; empty: all
    limits: ReadingLimits = ReadingLimits()
    load: Load | None = None
    cors: Cors | None = None  # None: no page of another site may ask
    middlewares: Sequence[Middleware] = ()  # further ones, inside ours


def make_application(served: Served) -> web.Application:
    """Raises ValueError: two dialects have one path, and none says when it is its own."""
    paths = Paths(served.dialects)
    load = served.load or Load(requests=10_000, octets=1 << 30)
    networks = [ipaddress.ip_network(each) for each in served.trusted_networks]
    application = web.Application(
        middlewares=[
            _answering(paths, load),
            *([_only_from(networks)] if networks else []),
            *([served.cors.middleware()] if served.cors is not None else []),
            *served.middlewares,
        ],
        client_max_size=served.limits.body_octets,
    )
    if served.cors is not None:
        application.on_response_prepare.append(served.cors.mark)
    application[LISTENER] = served.listener
    application[LIMITS] = served.limits
    application[LOAD] = load
    router = application.router
    if served.health is not None:
        router.add_routes(health_routes(served.health))
    if served.metrics is not None:
        router.add_routes(metrics_route(served.metrics))
    if served.notifications is not None:
        served.notifications.add_to(application)
    paths.add_to(router)
    router.register_resource(LeadingSlashes(router))
    return application


def _answering(paths: Paths, load: Load) -> Middleware:
    """The outermost: whatever happens, the client gets an answer in its own dialect."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = str(uuid.uuid4())
        response: web.StreamResponse
        try:
            load.begin(request)
            try:
                response = await handler(request)
            finally:
                load.end(request)
        except FaultError as error:
            response = _fault_response(paths, request, error.fault)
        except LetterError as error:
            response = _fault_response(paths, request, fault_of(error))
        except web.HTTPException as error:
            response = _refusal_response(paths, request, error)
        except Exception as error:  # noqa: BLE001 - boundary: one request ends no other
            response = _fault_response(paths, request, _fault_of(request, error))
        _mark(request, response)
        return response

    return middleware


def _fault_of(request: web.Request, error: Exception) -> Fault:
    """What a client breaks off is no fault of ours; all else is, and is logged."""
    if isinstance(error, _BROKEN) or (isinstance(error, ConnectionError) and _has_gone(request)):
        text = "The body broke off, or is not encoded as the request says"
        return Fault(kind=FaultKind.MALFORMED, message=text, field="body")
    _log.error(
        "a request failed", exc_info=error, extra={"event": "http_failed", "path": request.path}
    )
    text = f"The server failed; its log says why (request {request[REQUEST_ID]})"
    return Fault(kind=FaultKind.INTERNAL, message=text)


def _has_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _fault_response(paths: Paths, request: web.Request, fault: Fault) -> web.Response:
    dialect = request.get(DIALECT) or paths.dialect_of(request)
    response = fault_response(fault) if dialect is None else dialect.fault_response(request, fault)
    if fault.retry_after_s is not None:
        response.headers["Retry-After"] = str(fault.retry_after_s)
    return response


def _refusal_response(
    paths: Paths, request: web.Request, error: web.HTTPException
) -> web.StreamResponse:
    """Of what aiohttp itself refuses. What is no refusal is as it was raised."""
    if error.status < 400:
        raise error
    kind = _KINDS.get(error.status, FaultKind.INTERNAL if error.status >= 500 else None)
    text = f"{error.reason}: {request.method} {request.path}"[:_SHOWN]
    fault = Fault(kind=kind or FaultKind.MALFORMED, message=text)
    response = _fault_response(paths, request, fault)
    if allow := error.headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def _mark(request: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    headers["Server"] = "Angarium"
    headers["Cache-Control"] = "no-store"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Request-Id"] = request[REQUEST_ID]
    if (allowance := request.get(ALLOWANCE)) is not None:
        headers["RateLimit-Limit"] = str(allowance.limit)
        headers["RateLimit-Remaining"] = str(allowance.remaining)
        headers["RateLimit-Reset"] = str(-(-allowance.reset_ms // 1000))


def _only_from(networks: Sequence[IpNetwork]) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _is_in(request.remote, networks):
            text = "this address is not in the listener's trusted_networks"
            raise FaultError(Fault(kind=FaultKind.NO_SCOPE, message=text))
        return await handler(request)

    return middleware


def _is_in(remote: str | None, networks: Sequence[IpNetwork]) -> bool:
    try:
        address = ipaddress.ip_address(remote or "")
    except ValueError:
        return False
    return any(address in network for network in networks)

"""What monitors ask: /healthz (live), /readyz (accepting and delivering), /metrics (Prometheus text)."""

import ipaddress
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, Protocol

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from angarium.api.notifications import Notifications

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_ERRORS: Final = {  # codes of docs/API: upper-case words for programs
    400: "BAD_REQUEST",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
}


class HealthSource(Protocol):
    def reasons(self) -> Sequence[str]:
        """Why the server is not ready; empty: it is. Quick: called for each request."""
        ...

    def metrics(self) -> bytes:
        """The Prometheus text of the whole server; takes a few milliseconds."""
        ...


def make_application(
    source: HealthSource,
    trusted_networks: Sequence[str] = (),
    notifications: Notifications | None = None,
) -> web.Application:
    """Return the application; with ``trusted_networks``, only clients in them are answered."""
    networks = [ipaddress.ip_network(each) for each in trusted_networks]
    application = web.Application(middlewares=[_errors, _only_from(networks)], client_max_size=1024)
    routes = _Health(source)
    for path, handler in (
        ("/healthz", routes.live),
        ("/readyz", routes.ready),
        ("/metrics", routes.metrics),
    ):
        application.router.add_get(path, handler)  # GET and HEAD
    if notifications is not None:
        notifications.add_to(application)
    application.on_response_prepare.append(_mark)
    return application


class _Health:
    def __init__(self, source: HealthSource) -> None:
        self._source = source

    async def live(self, _: web.Request) -> web.Response:
        return _json(HTTPStatus.OK, {"status": "ok"})

    async def ready(self, _: web.Request) -> web.Response:
        reasons = self._source.reasons()
        if reasons:
            answer = {"status": "not ready", "reasons": list(reasons)}
            return _json(HTTPStatus.SERVICE_UNAVAILABLE, answer)
        return _json(HTTPStatus.OK, {"status": "ok"})

    async def metrics(self, _: web.Request) -> web.Response:
        # On the event loop: counters are flushed on its thread, and rendering takes a few milliseconds.
        return web.Response(body=self._source.metrics(), headers={"Content-Type": METRICS_TYPE})


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn aiohttp's own refusals into our JSON."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        phrase = HTTPStatus(error.status).phrase
        answer = _error(error.status, f"{phrase}: {request.method} {request.path}"[:200])
        if allow := error.headers.get("Allow"):
            answer.headers["Allow"] = allow
        return answer


def _only_from(networks: Sequence[IpNetwork]) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if networks and not _is_in(request.remote, networks):
            return _error(403, "this address is not in the listener's trusted_networks")
        return await handler(request)

    return middleware


def _is_in(remote: str | None, networks: Sequence[IpNetwork]) -> bool:
    try:
        address = ipaddress.ip_address(remote or "")
    except ValueError:
        return False
    return any(address in network for network in networks)


async def _mark(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "Angarium"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Request-Id"] = str(uuid.uuid4())


def _error(status: int, message: str) -> web.Response:
    word = _ERRORS.get(status, HTTPStatus(status).name)
    return _json(status, {"success": False, "error": word, "message": message})


def _json(status: int, answer: object) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(answer), content_type="application/json"
    )

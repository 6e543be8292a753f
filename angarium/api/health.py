"""What monitors ask: /healthz (live), /readyz (accepting and delivering), /metrics (Prometheus text)."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, Protocol

from aiohttp import web

from angarium.api.native.answers import json_response

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class HealthSource(Protocol):
    def reasons(self) -> Sequence[str]:
        """Why the server is not ready; empty: it is. Quick: called for each request."""
        ...

    def metrics(self) -> bytes:
        """The Prometheus text of the whole server; takes a few milliseconds."""
        ...


def health_routes(source: HealthSource) -> list[web.RouteDef]:
    """GET and HEAD of /healthz and /readyz."""
    health = _Health(source)
    return [web.get("/healthz", health.live), web.get("/readyz", health.ready)]


def metrics_route(source: HealthSource) -> list[web.RouteDef]:
    return [web.get("/metrics", _Health(source).metrics)]


class _Health:
    def __init__(self, source: HealthSource) -> None:
        self._source = source

    async def live(self, _: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    async def ready(self, _: web.Request) -> web.Response:
        reasons = self._source.reasons()
        if reasons:
            answer = {"status": "not ready", "reasons": list(reasons)}
            return json_response(answer, HTTPStatus.SERVICE_UNAVAILABLE)
        return json_response({"status": "ok"})

    async def metrics(self, _: web.Request) -> web.Response:
        # On the event loop: counters are flushed on its thread, and rendering takes a few milliseconds.
        return web.Response(body=self._source.metrics(), headers={"Content-Type": METRICS_TYPE})

"""GET /v1/openapi.json and /v1/docs: what the API says of itself, to programs and to people. No key is asked for."""

import functools
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from angarium.api.dialect import Body, Route
from angarium.api.reference.document import Json, describe
from angarium.api.reference.page import render

# The page is of one file, and runs nothing (C7)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class ReferenceResource:
    def __init__(self, all_routes: Callable[[], Sequence[Route]]) -> None:
        """``all_routes``: of the dialect, these among them; asked at the first request."""
        self._all_routes = all_routes

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="GET",
                path="/v1/openapi.json",
                handler=self.document,
                summary="This description, as OpenAPI 3.1.",
                is_open=True,
                answers={200: Json},
            ),
            Route(
                method="GET",
                path="/v1/docs",
                handler=self.page,
                summary="This description, as a page.",
                is_open=True,
                answers={200: Body(media_type="text/html", words="A page that needs no script.")},
            ),
        )

    async def document(self, _: web.Request) -> web.Response:
        return web.Response(body=self._octets, content_type="application/json")

    async def page(self, _: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": _POLICY}
        return web.Response(
            text=self._page, content_type="text/html", charset="utf-8", headers=headers
        )

    @functools.cached_property
    def _octets(self) -> bytes:
        return msgspec.json.encode(describe(self._all_routes()))

    @functools.cached_property
    def _page(self) -> str:
        return render(describe(self._all_routes()))

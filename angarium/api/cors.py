"""Which pages of other sites may ask from a browser (CORS): those of ``[api] cors_origins``, and by a key only.

Cookies are never allowed with it: a key is given by who wrote the page, and nothing else says who asks.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

ANY: Final = "*"
MAX_AGE_S: Final = 600  # for so long a browser remembers what it may; ours
_METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
_HEADERS: Final = (
    "Authorization, Content-Range, Content-Type, Idempotency-Key, Tus-Resumable, Upload-Length,"
    " Upload-Metadata, Upload-Offset, X-API-Key"
)
_EXPOSED: Final = (
    "Location, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Tus-Resumable,"
    " Upload-Expires, Upload-Length, Upload-Offset, X-Message-Id, X-Request-Id"
)


class Cors:
    def __init__(self, origins: Sequence[str]) -> None:
        """``origins``: as browsers write them, ``https://app.example.com``; ``*``: any. Empty: none."""
        self._origins = frozenset([each.rstrip("/").lower() for each in origins])

    @property
    def is_used(self) -> bool:
        return bool(self._origins)

    def middleware(self) -> Middleware:
        """Answers what a browser asks before it sends what a page wants to."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            asks_first = "Access-Control-Request-Method" in request.headers
            if request.method != "OPTIONS" or not asks_first or not self._allowed(request):
                return await handler(request)
            return web.Response(
                status=HTTPStatus.NO_CONTENT,
                headers={
                    "Access-Control-Allow-Methods": _METHODS,
                    "Access-Control-Allow-Headers": _HEADERS,
                    "Access-Control-Max-Age": str(MAX_AGE_S),
                },
            )

        return answer

    async def mark(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Let the page read the answer, a refusal too."""
        response.headers.add("Vary", "Origin")
        if allowed := self._allowed(request):
            response.headers["Access-Control-Allow-Origin"] = allowed
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED

    def _allowed(self, request: web.BaseRequest) -> str:
        """Return whom the answer is for; "": not for a page of another site."""
        origin = request.headers.get("Origin", "")
        if not origin:
            return ""
        if ANY in self._origins:
            return ANY
        return origin if origin.lower() in self._origins else ""

"""What Postmark has and we have not: whoever asks is told so by its name, and not that the path is wrong."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from angarium.api.access import Access
from angarium.api.compat.faults import unsupported
from angarium.api.compat.postmark.words import KEY_FIELD
from angarium.api.dialect import Route
from angarium.intake.order import FaultError

_ALL: Final = (
    *("/bounces", "/deliverystats", "/message-streams", "/messages/inbound", "/server", "/stats"),
    *("/messages/outbound/clicks", "/messages/outbound/opens", "/triggers"),
)
_METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")


class Lacking:
    def __init__(self, access: Access) -> None:
        self._access = access

    def routes(self) -> Sequence[Route]:
        return [
            Route(method=method, path=path + tail, handler=self._refuse, claims=_has_token)
            for path in _ALL
            for tail in ("", "/{tail:.+}")
            for method in _METHODS
        ]

    async def _refuse(self, request: web.Request) -> web.Response:
        presented = request.headers.get(KEY_FIELD, "").strip()
        self._access.caller(request, presented, "emails", "read", dialect="postmark")
        name = next(each for each in _ALL if request.path.lstrip("/").startswith(each[1:]))
        raise FaultError(unsupported(name, "this server does not keep them"))


def _has_token(request: web.Request) -> bool:
    return KEY_FIELD in request.headers

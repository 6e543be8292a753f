"""What Resend has and we have not: whoever asks is told so by its name, and not that the path is wrong."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from angarium.api.access import Access, bearer_token
from angarium.api.compat.faults import unsupported
from angarium.api.dialect import Route
from angarium.intake.order import FaultError

_ALL: Final = (
    *("audiences", "automations", "broadcasts", "contact-properties", "contacts", "events"),
    *("logs", "oauth", "segments", "topics"),
)
# Of emails
_PARTS: Final = ("attachments", "share")
_METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")


class Lacking:
    def __init__(self, access: Access) -> None:
        self._access = access

    def routes(self) -> Sequence[Route]:
        paths = [f"/{each}{tail}" for each in _ALL for tail in ("", "/{tail:.+}")]
        paths += ["/emails/metrics", "/emails/receiving", "/emails/receiving/{tail:.+}"]
        paths += [f"/emails/{{id}}/{each}" for each in _PARTS]
        paths.append("/emails/{id}/attachments/{attachment}")
        return [
            Route(method=method, path=path, handler=self._refuse)
            for path in paths
            for method in _METHODS
        ]

    async def _refuse(self, request: web.Request) -> web.Response:
        self._access.caller(request, bearer_token(request), "emails", "read", dialect="resend")
        parts = request.path.strip("/").split("/")
        name = parts[0]
        if name == "emails":
            name = next(each for each in parts if each in (*_PARTS, "metrics", "receiving"))
        raise FaultError(unsupported(name, "this server does not keep them"))

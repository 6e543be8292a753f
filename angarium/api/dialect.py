"""What every dialect of the HTTP API is to the server that serves them: its routes, and its way of saying no."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
from aiohttp import web

from angarium.intake.order import Fault

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    method: str  # GET, POST, ...
    path: str  # as aiohttp's router has it: "/v1/emails/{id}"
    handler: Handler
    # Asked where two dialects have one path; None: it is this dialect's
    claims: Callable[[web.Request], bool] | None = None


class Dialect(Protocol):
    @property
    def name(self) -> str:
        """native | resend | sendgrid | postmark | mailgun | ses"""
        ...

    def routes(self) -> Sequence[Route]: ...

    def fault_response(self, request: web.Request, fault: Fault) -> web.Response:
        """The fault in this dialect's form, with its status; ``Retry-After`` is added by the server.

        Also for what the server itself refuses on one of its paths: too large, a wrong method, a wrong encoding.
        """
        ...

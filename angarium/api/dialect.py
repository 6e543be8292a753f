"""What every dialect of the HTTP API is to the server that serves them: its routes, and its way of saying no."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from aiohttp import web

from angarium.intake.order import Fault

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A body that is no JSON, as the description of the API has it."""

    media_type: str  # text/csv
    words: str = ""  # what it is


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The fields from ``summary`` on describe it in the API's own description, and do nothing else."""

    method: str  # GET, POST, ...
    path: str  # as aiohttp's router has it: "/v1/emails/{id}"
    handler: Handler
    # Asked where two dialects have one path; None: it is this dialect's
    claims: Callable[[web.Request], bool] | None = None
    summary: str = ""  # one sentence; "": it is not described
    scope: str = ""  # what a key needs: "emails:send"; "": any key does, or none is asked for
    is_open: bool = False  # no key is asked for
    query: type[msgspec.Struct] | None = None  # its fields are the parameters
    request: Any = None  # the type of the JSON body, or a Body; None: no body is read
    answers: Mapping[int, Any] = {}  # by status, the type of the JSON, a Body, or None: no body
    or_else: Body | None = None  # what 200 may have in place of that, where it is asked for


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

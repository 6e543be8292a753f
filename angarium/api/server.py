"""An HTTP server on a bound socket, with bounds on what a client may hold open."""

import asyncio
import logging
import socket
import ssl
import uuid
from typing import Any, Final, Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from angarium.api.native.answers import fault_response
from angarium.api.reading import PROGRESS
from angarium.intake.order import Fault, FaultKind

# Of the request line, and of one header field: tokens are long
MAX_LINE_OCTETS: Final = 8190
# Node's SendGrid makes header fields of a request of those of the mail
MAX_HEADERS: Final = 200
# A connection on which no request has begun or ended for so long is closed: a slow or silent client holds no place
CONNECTION_S: Final = 120.0
CLOSE_GRACE_S: Final = 10.0
# How long answers under way may take when the server stops: what was stored should be told
DRAIN_S: Final = 5.0
_SHOWN: Final = 160  # characters of what a parser complains of


class Site(Protocol):
    """What has hosts of its own on the socket: it and the application know nothing of each other."""

    def claims(self, request: web.BaseRequest) -> bool:
        """Whether the request is to one of its hosts. Asked of each request: it takes less than a microsecond."""
        ...

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse: ...


class HttpServer:
    """Serves one application on one socket, and beside it a site with hosts of its own, if there is one.

    Invariant: at most ``connections`` are open at a time.
    """

    def __init__(
        self, application: web.Application, *, connections: int, site: Site | None = None
    ) -> None:
        # Connections with requests since they were last looked at
        self._active: set[RequestHandler] = set()
        application[PROGRESS] = self._note
        self._application = application
        self._site = site
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=_ServerLog(logging.getLogger("aiohttp.server"), {}),
            handle_signals=False,
            max_line_size=MAX_LINE_OCTETS,
            max_field_size=MAX_LINE_OCTETS,
            max_headers=MAX_HEADERS,
            auto_decompress=False,  # ``reading`` does, within a bound
            keepalive_timeout=60.0,
            shutdown_timeout=DRAIN_S,
        )
        self._limit = connections
        self.refused = 0  # connections closed at once, being beyond the limit
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """Open now."""
        server = self._runner.server
        return 0 if server is None else len(server.connections)

    async def start(self, listening: socket.socket, context: ssl.SSLContext | None = None) -> None:
        await self._runner.setup()
        assert self._runner.server is not None  # setup made it
        # As its application's is, for requests of the same making
        self._runner.server.request_handler = self._dispatch  # type: ignore[assignment]
        self._server = await asyncio.get_running_loop().create_server(
            self._accept, sock=listening, ssl=context, ssl_handshake_timeout=15 if context else None
        )

    def renew(self) -> None:
        """Have each client connect again, once the answer under way is out: what let them in is another one now."""
        if self._runner.server is not None:
            for handler in self._runner.server.connections:
                _end(handler)

    async def close(self) -> None:
        """Stop listening, let answers under way go out, close the rest."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    def _accept(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None  # setup made it
        if len(server.connections) >= self._limit:
            self.refused += 1
            return _Refuse()
        handler = _Handler(server, loop=asyncio.get_running_loop(), **server._kwargs)
        asyncio.get_running_loop().call_later(CONNECTION_S, self._look_at, handler)
        return handler

    def _look_at(self, handler: RequestHandler) -> None:
        if handler in self._active:
            self._active.discard(handler)
            asyncio.get_running_loop().call_later(CONNECTION_S, self._look_at, handler)
        else:
            _end(handler)

    def _note(self, request: web.BaseRequest) -> None:
        self._active.add(request.protocol)

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        """In front of the application, since its router and middlewares would cost a site most of its time."""
        self._note(request)
        try:
            if self._site is not None and self._site.claims(request):
                return await self._site.handle(request)
            return await self._application._handle(request)
        finally:
            self._note(request)


class _Handler(RequestHandler):
    """One connection. What is no HTTP is told so as everything else is, in JSON."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        super().handle_error(request, status, exc, message)  # logs it
        kind = FaultKind.MALFORMED if status < 500 else FaultKind.INTERNAL
        text = f"The request is not one that this server reads: {message or 'bad HTTP'}"
        response = fault_response(Fault(kind=kind, message=ascii(text[:_SHOWN])[1:-1]))
        response.set_status(status)
        response.headers["X-Request-Id"] = str(uuid.uuid4())
        response.force_close()
        return response


class _ServerLog(logging.LoggerAdapter[logging.Logger]):
    """A request that is not HTTP is its client's fault: no error, no traceback for strangers to fill disks with."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **kwargs: Any) -> None:
        if isinstance(exc_info, HttpProcessingError):
            self.debug(msg, *args)
        else:
            super().exception(msg, *args, exc_info=exc_info, **kwargs)


class _Refuse(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _end(handler: RequestHandler) -> None:
    """Close after the answer under way; who is asked nothing, or does not even finish asking, is cut off."""
    if handler._waiter is not None:
        # ``close`` would read no more of it, and leave it open
        handler.force_close()
        return
    handler.close()
    asyncio.get_running_loop().call_later(CLOSE_GRACE_S, handler.force_close)

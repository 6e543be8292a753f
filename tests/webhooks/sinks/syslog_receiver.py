"""A receiver of syslog over TCP and TLS."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator


class SyslogReceiver:
    """Takes messages by their counted octets (RFC 6587 section 3.4.1)."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    @contextlib.asynccontextmanager
    async def serving(
        self, context: ssl.SSLContext | None = None
    ) -> AsyncIterator["SyslogReceiver"]:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.hang_up()
            server.close()

    def hang_up(self) -> None:
        for each in self._writers:
            each.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int((await reader.readuntil(b" ")).strip())
                self.messages.append(await reader.readexactly(length))

"""Opens a connection to a host through a SOCKS5 proxy. Knows nothing of SMTP."""

import asyncio
from typing import cast

from angarium.mta.transport.socks5 import SocksError, SocksHandshake


class _Tunnel(asyncio.Protocol):
    def __init__(self, handshake: SocksHandshake, loop: asyncio.AbstractEventLoop) -> None:
        self._handshake = handshake
        self.stands: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._handshake.begin())

    def data_received(self, data: bytes) -> None:
        if self._handshake.is_done():
            self._handshake.rest += data  # the host was faster than whoever waits for us
            return
        try:
            answer = self._handshake.receive(data)
        except SocksError as error:
            self._end(error)
            self._transport.abort()
            return
        if answer:
            self._transport.write(answer)
        if self._handshake.is_done() and not self.stands.done():
            self.stands.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(SocksError("it closed the connection"))

    def _end(self, error: SocksError) -> None:
        if not self.stands.done():
            self.stands.set_exception(error)


async def open_tunnel(
    proxy: tuple[str, int], handshake: SocksHandshake
) -> tuple[asyncio.Transport, bytes]:
    """Return the transport, whose protocol the caller exchanges before it waits for anything, and what the host has
    sent by now. Raises OSError: the proxy cannot be reached; SocksError. Not bounded in time.
    """
    loop = asyncio.get_running_loop()
    transport, tunnel = await loop.create_connection(lambda: _Tunnel(handshake, loop), *proxy)
    try:
        await tunnel.stands
    except BaseException:
        transport.abort()
        raise
    return transport, handshake.rest

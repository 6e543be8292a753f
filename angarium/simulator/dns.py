"""The small internet's DNS server: UDP and TCP on loopback, answering from a ``Zone``."""

import asyncio
import collections
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.rdatatype

from angarium.simulator.zone import Zone

UDP_OCTETS = 512  # RFC 1035 section 4.2.1, unless EDNS says more
MAX_UDP_OCTETS = 1232  # what servers of today send at most
TCP_IDLE_S = 10.0
COUNTED_QUERIES = 100_000  # different ones
PORT_ATTEMPTS = 20


class DnsServer:
    """Start with ``start``; ``queries`` counts questions by (name, type)."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.queries: collections.Counter[tuple[str, str]] = collections.Counter()
        self.port = 0
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1, the same port for both; 0: any that is free for both. Raises OSError."""
        loop = asyncio.get_running_loop()
        for attempt in range(PORT_ATTEMPTS):
            tcp = await asyncio.start_server(self._serve_stream, "127.0.0.1", port)
            chosen = tcp.sockets[0].getsockname()[1]
            try:
                self._udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Udp(self), local_addr=("127.0.0.1", chosen)
                )
            except OSError:
                tcp.close()
                if port or attempt == PORT_ATTEMPTS - 1:
                    raise
                continue
            self._tcp, self.port = tcp, chosen
            return

    async def close(self) -> None:
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()

    def answer(self, octets: bytes) -> tuple[dns.message.Message, dns.message.Message] | None:
        """Return query and response; None for rubbish and for what is to stay unanswered."""
        try:
            query = dns.message.from_wire(octets)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR:
            return None
        for question in query.question:
            key = (
                question.name.to_text(omit_final_dot=True).lower(),
                dns.rdatatype.to_text(question.rdtype),
            )
            if key in self.queries or len(self.queries) < COUNTED_QUERIES:
                self.queries[key] += 1
        response = self.zone.answer(query)
        return None if response is None else (query, response)

    async def _serve_stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                async with asyncio.timeout(TCP_IDLE_S):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    octets = await reader.readexactly(length)
                answered = self.answer(octets)
                if answered is None:
                    continue
                await asyncio.sleep(self.zone.delay_s(answered[0]))
                wire = answered[1].to_wire(max_size=65_535)
                writer.write(len(wire).to_bytes(2, "big") + wire)
                await writer.drain()
        except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            pass  # the client is done, or gone
        finally:
            writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's and uvloop's are no DatagramTransport by isinstance.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answered = self._server.answer(data)
        if answered is None:
            return
        query, response = answered
        limit = (
            UDP_OCTETS if query.edns < 0 else max(UDP_OCTETS, min(query.payload, MAX_UDP_OCTETS))
        )
        wire = response.to_wire(max_size=limit, prefer_truncation=True)
        delay = self._server.zone.delay_s(query)
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self._send, wire, addr)
        else:
            self._send(wire, addr)

    def _send(self, wire: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(wire, addr)

"""A DNS server on loopback that answers as a test scripts it: UDP and TCP on one port, nothing beyond 127.0.0.1."""

import asyncio
import struct
from collections import Counter
from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from angarium.config.schema import Dns

SOA = "ns.test. hostmaster.test. 1 3600 600 86400 {minimum}"
PORT_ATTEMPTS = 20
UDP_OCTETS = 512  # RFC 1035 section 4.2.1: without EDNS


class ScriptedDns:
    """Zone data in ``records``; deviations by name in ``tricks``, which get the query and return octets or None."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], tuple[int, list[str]]] = {}
        self.rcodes: dict[str, dns.rcode.Rcode] = {}
        self.silent: set[str] = set()
        self.tricks: dict[str, Callable[[dns.message.Message, bytes], list[bytes]]] = {}
        self.held: dict[str, asyncio.Event] = {}  # answered once it is set
        self.follow_aliases = True
        self.negative_minimum = 60
        self.queries: Counter[tuple[str, str]] = Counter()
        self.tcp_queries: Counter[tuple[str, str]] = Counter()
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, name: str, rdtype: str, *values: str, ttl: int = 300) -> None:
        self.records[name, rdtype] = (ttl, list(values))

    @property
    def config(self) -> Dns:
        return Dns(nameservers=(f"127.0.0.1:{self.port}",), timeout_s=2, lifetime_s=10)

    async def start(self) -> None:
        """A port that is free for TCP may be some other test's for UDP: then another one is taken."""
        loop = asyncio.get_running_loop()
        for left in reversed(range(PORT_ATTEMPTS)):
            self._tcp = await asyncio.start_server(self._serve_tcp, "127.0.0.1", 0)
            self.port = self._tcp.sockets[0].getsockname()[1]
            try:
                self._udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Udp(self), local_addr=("127.0.0.1", self.port)
                )
            except OSError:
                self._tcp.close()
                if not left:
                    raise
            else:
                return

    async def stop(self) -> None:
        self._udp.close()
        self._tcp.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._tcp.wait_closed()

    def answer_later(self, wire: bytes, send: Callable[[bytes], None]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer_udp(wire, send))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_udp(self, wire: bytes, send: Callable[[bytes], None]) -> None:
        for answer in await self._answers(wire, self.queries):
            if len(answer) <= UDP_OCTETS:
                send(answer)
                continue
            cut = dns.message.make_response(dns.message.from_wire(wire))
            cut.flags |= dns.flags.TC
            send(cut.to_wire())

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            for answer in await self._answers(await reader.readexactly(length), self.tcp_queries):
                writer.write(struct.pack("!H", len(answer)) + answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answers(self, wire: bytes, counter: Counter[tuple[str, str]]) -> list[bytes]:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        counter[name, dns.rdatatype.to_text(question.rdtype)] += 1
        if name in self.held:
            await self.held[name].wait()
        if name in self.silent:
            return []
        answer = self._answer(query, name, question.rdtype).to_wire()
        return self.tricks[name](query, answer) if name in self.tricks else [answer]

    def _answer(self, query: dns.message.Message, name: str, rdtype: Any) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self.rcodes:
            response.set_rcode(self.rcodes[name])
            return response
        kind = dns.rdatatype.to_text(rdtype)
        for _ in range(20):
            if (name, kind) in self.records:
                response.answer.append(self._rrset(name, kind))
                return response
            if (name, "CNAME") not in self.records:
                break
            response.answer.append(self._rrset(name, "CNAME"))
            name = self.records[name, "CNAME"][1][0].rstrip(".")
            if not self.follow_aliases:
                return response
        if not any(owner == name for owner, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        soa = SOA.format(minimum=self.negative_minimum)
        response.authority.append(dns.rrset.from_text("test.", 3600, "IN", "SOA", soa))
        return response

    def _rrset(self, name: str, kind: str) -> dns.rrset.RRset:
        ttl, values = self.records[name, kind]
        return dns.rrset.from_text(dns.name.from_text(name), ttl, "IN", kind, *values)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: ScriptedDns) -> None:
        self._server = server

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._server.answer_later(data, lambda answer: self._transport.sendto(answer, addr))

"""A DNS server for the ledger's domains that answers, fails, keeps silent or is not there, as a test says."""

import asyncio
from typing import Any, Literal

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.faults.ledger import DOMAINS

Mode = Literal["answers", "servfail", "refused", "silent", "gone"]
TROUBLES: tuple[Mode, ...] = ("servfail", "refused", "silent", "gone")
TTL_S = 1  # so that it is asked again and again


class NameServer:
    """Each domain has an MX of its own, all of them at ``address``."""

    def __init__(self, host: str, port: int, address: str) -> None:
        self.queries = 0
        self._at = (host, port)
        self._address = address
        self._mode: Mode = "answers"
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Protocol(self), local_addr=self._at
        )

    def stop(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def be(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "gone":
            self.stop()
            await asyncio.sleep(0)  # the socket is closed by the loop
        elif self._transport is None:
            await self.start()

    def answer(self, wire: bytes) -> bytes | None:
        self.queries += 1
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        match self._mode:
            case "silent":
                return None
            case "servfail":
                response.set_rcode(dns.rcode.SERVFAIL)
            case "refused":
                response.set_rcode(dns.rcode.REFUSED)
            case _:
                self._fill(response)
        return response.to_wire()

    def _fill(self, response: dns.message.Message) -> None:
        question = response.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        if kind == "MX" and name in DOMAINS:
            found = dns.rrset.from_text(question.name, TTL_S, "IN", "MX", f"10 mx.{name}.")
            response.answer.append(found)
        elif kind == "A" and name.removeprefix("mx.") in DOMAINS:
            found = dns.rrset.from_text(question.name, TTL_S, "IN", "A", self._address)
            response.answer.append(found)


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = self._server.answer(data)
        if answer is not None:
            self._transport.sendto(answer, addr)

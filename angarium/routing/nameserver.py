"""One nameserver, asked by UDP, then by TCP what does not fit. Knows nothing of what is asked."""

import asyncio
from typing import Any, Final

import dns.exception
import dns.message
import dns.nameserver
import dns.query

# Ours: parsing 64 KB, the most that TCP can carry, takes 0.2 s, which the event loop must not wait for.
PARSED_AT_ONCE: Final = 4_096


class BoundedNameserver(dns.nameserver.Do53Nameserver):
    """dnspython's, but a large answer does not hold the event loop (D4)."""

    def __init__(self, address: str, port: int = 53) -> None:
        super().__init__(address, port)
        self._large = asyncio.Semaphore(1)

    async def async_query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,  # noqa: ASYNC109 - dnspython's signature
        source: str | None,
        source_port: int,
        max_size: bool,
        backend: Any,
        one_rr_per_rrset: bool = False,
        ignore_trailing: bool = False,
    ) -> dns.message.Message:
        if not max_size:
            return await super().async_query(
                request,
                timeout,
                source,
                source_port,
                max_size,
                backend,
                one_rr_per_rrset,
                ignore_trailing,
            )
        try:
            async with asyncio.timeout(timeout):
                return await self._query_tcp(request)
        except TimeoutError as error:
            raise dns.exception.Timeout(timeout=timeout) from error  # type: ignore[no-untyped-call]

    async def _query_tcp(self, request: dns.message.QueryMessage) -> dns.message.Message:
        """RFC 1035 section 4.2.2: each message behind its length."""
        reader, writer = await asyncio.open_connection(self.address, self.port)
        try:
            wire = request.to_wire()
            writer.write(len(wire).to_bytes(2, "big") + wire)
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = await reader.readexactly(length)
            if length <= PARSED_AT_ONCE:
                response = _parsed(answer)
            else:
                async with self._large:  # one at a time: hostile zones may have many of them
                    response = await asyncio.to_thread(_parsed, answer)
        finally:
            writer.close()
        if not request.is_response(response):
            raise dns.query.BadResponse
        return response


def _parsed(answer: bytes) -> dns.message.Message:
    return dns.message.from_wire(answer, raise_on_truncation=True)

"""One nameserver, asked by UDP, then by TCP what does not fit. Knows nothing of what is asked."""

import asyncio
from typing import Any, Final

import dns.exception
import dns.message
import dns.nameserver
import dns.query

# Ours: parsing 64 KB, the most that TCP can carry, holds the event loop for 0.2 s; no domain's mail needs a quarter.
MAX_ANSWER_OCTETS: Final = 16_384


class AnswerTooBigError(dns.exception.FormError):
    """Longer than MAX_ANSWER_OCTETS: not read."""


class BoundedNameserver(dns.nameserver.Do53Nameserver):
    """dnspython's, but for the size of what it reads over TCP (D4)."""

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
            if length > MAX_ANSWER_OCTETS:
                raise AnswerTooBigError
            answer = await reader.readexactly(length)
            response = dns.message.from_wire(answer, raise_on_truncation=True)
        finally:
            writer.close()
        if not request.is_response(response):
            raise dns.query.BadResponse
        return response

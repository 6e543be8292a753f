"""DNS for checks: each look-up ends in time, whatever the server's own limits are."""

import asyncio
from collections.abc import Awaitable
from typing import Final, Protocol, TypeVar

from angarium.routing.dns import Answer, DnsTrouble, MxRecord

PATIENCE_S: Final = 10.0  # for one look-up; the server has its own limits
T = TypeVar("T")


class LooksUp(Protocol):
    """``routing.dns.DnsResolver`` does."""

    async def txt(self, name: str) -> Answer[bytes]: ...

    async def mx(self, domain: str) -> Answer[MxRecord]: ...

    async def ipv4(self, name: str) -> Answer[str]: ...

    async def ipv6(self, name: str) -> Answer[str]: ...

    async def ptr(self, address: str) -> Answer[str]: ...


class PatientDns:
    def __init__(self, resolver: LooksUp) -> None:
        self._resolver = resolver

    async def txt(self, name: str) -> Answer[bytes]:
        return await _in_time(name, self._resolver.txt(name))

    async def mx(self, domain: str) -> Answer[MxRecord]:
        return await _in_time(domain, self._resolver.mx(domain))

    async def ipv4(self, name: str) -> Answer[str]:
        return await _in_time(name, self._resolver.ipv4(name))

    async def ipv6(self, name: str) -> Answer[str]:
        return await _in_time(name, self._resolver.ipv6(name))

    async def ptr(self, address: str) -> Answer[str]:
        return await _in_time(address, self._resolver.ptr(address))


class NotingDns(PatientDns):
    """Keeps in mind which questions nobody answered: what was asked may be there."""

    def __init__(self, resolver: LooksUp) -> None:
        super().__init__(resolver)
        self.unanswered: set[tuple[str, str]] = set()  # name, type

    async def txt(self, name: str) -> Answer[bytes]:
        return self._noted(name, "TXT", await super().txt(name))

    async def mx(self, domain: str) -> Answer[MxRecord]:
        return self._noted(domain, "MX", await super().mx(domain))

    def _noted(self, name: str, kind: str, answer: Answer[T]) -> Answer[T]:
        if isinstance(answer, DnsTrouble):
            self.unanswered.add((name, kind))
        return answer


async def _in_time(name: str, look_up: Awaitable[Answer[T]]) -> Answer[T]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await look_up
    except TimeoutError:
        return DnsTrouble(f"DNS: {name}: no answer within {PATIENCE_S:.0f} s")

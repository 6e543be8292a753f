"""Sinks as the courier has them: letters, and the endpoints that tell them."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from angarium.queue.model import UnixMs
from angarium.routing.dns import Answer, Found, NoData
from angarium.webhooks.caller import Caller
from angarium.webhooks.courier import Letter
from angarium.webhooks.guard import Guard
from angarium.webhooks.sinks.endpoints import Endpoints
from angarium.webhooks.sinks.making import Maker
from angarium.webhooks.sinks.reach import Reach

LOOPBACK = Guard(["127.0.0.0/8", "::1/128"])
NOW = UnixMs(1_800_000_000_123)


class FakeDns:
    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def ipv4(self, name: str) -> Answer[str]:
        return Found(self._addresses, 60.0) if self._addresses else NoData(60.0)

    async def ipv6(self, name: str) -> Answer[str]:
        return NoData(60.0)


def endpoints(
    guard: Guard = LOOPBACK,
    dns: FakeDns | None = None,
    *,
    timeout_s: float = 20.0,
    context: ssl.SSLContext | None = None,
    **more: Any,
) -> Endpoints:
    names = dns or FakeDns()
    caller = Caller(guard, names, timeout_s=timeout_s)
    maker = Maker(
        caller=caller,
        reach=Reach(guard, names),
        hostname="mx1.example.com",
        clock=lambda: NOW,
        timeout_s=timeout_s,
        context=context,
    )
    return Endpoints(caller, guard, maker, timeout_s=timeout_s, **more)


def letter(url: str, number: int = 1, key: str = "mail-1", body: bytes = b"") -> Letter:
    return Letter(
        url=url,
        headers={
            "Content-Type": "application/json",
            "webhook-id": f"event-{number}",
            "webhook-timestamp": "1800000000",
            "webhook-signature": "v1,sig",
            "svix-id": f"event-{number}",
        },
        body=body or b'{"n": %d, "word": "gr\xc3\xbcn"}' % number,
        type="email.delivered",
        event_id=f"event-{number}",
        key=key,
    )


async def until(is_so: Callable[[], bool], timeout_s: float = 30.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not is_so():
            await asyncio.sleep(0.01)

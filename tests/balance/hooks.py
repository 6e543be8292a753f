"""A tenant's own server that webhooks come to; each event counts once, however often it is told."""

import json
from collections import Counter

from aiohttp import web

REFUSES_EVERY = 50  # so many are answered with 503, and come again


class Hooks:
    """Start with ``async with``; ``url`` is where it listens."""

    def __init__(self, host: str) -> None:
        self.url = ""
        self.refused = 0
        self._host = host
        self._told: dict[str, tuple[str, str]] = {}  # by event id: type, recipient
        self._requests = 0
        self._runner: web.AppRunner

    async def __aenter__(self) -> "Hooks":
        app = web.Application()
        app.router.add_post("/mail", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, 0)
        await site.start()
        (address,) = self._runner.addresses
        self.url = f"http://{address[0]}:{address[1]}/mail"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        told = json.loads(await request.read())
        self._requests += 1
        if self._requests % REFUSES_EVERY == 0:
            self.refused += 1
            return web.Response(status=503)
        self._told[told["id"]] = (told["type"], told.get("recipient", ""))
        return web.Response()

    def times(self) -> Counter[str]:
        """Return by type how many events there were."""
        return Counter(type_ for type_, _ in self._told.values())

    def recipients(self) -> Counter[str]:
        """Return by type how many recipients they were about."""
        return Counter(type_ for type_, _ in {*self._told.values()})

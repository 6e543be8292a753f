"""A customer's server on loopback that takes webhooks, and answers as it is told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

import msgspec
from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    headers: dict[str, str]  # lower-case
    body: bytes


class Receiver:
    def __init__(self, address: str = "127.0.0.1") -> None:
        self.taken: list[Taken] = []
        self.statuses: list[int] = []  # of the next answers; empty: 200
        self.answer: Answer | None = None  # instead
        self.open = 0
        self.most_open = 0
        self._address = address
        self._changed = asyncio.Event()
        application = web.Application(client_max_size=1 << 26)
        application.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        self.port = 0

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._address, 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def url(self, path: str = "/hook", host: str = "") -> str:
        return f"http://{host or self._address}:{self.port}{path}"

    async def until(self, condition: Callable[[], bool], timeout_s: float = 30) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            body = await request.read()
            self.taken.append(Taken(path=request.path_qs, headers=headers, body=body))
            self._changed.set()
            if self.answer is not None:
                return await self.answer(request)
            return web.Response(status=self.statuses.pop(0) if self.statuses else 200)
        finally:
            self.open -= 1

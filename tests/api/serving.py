"""An application of the API served on a loopback port, for tests."""

import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import msgspec

from angarium.api import HttpServer, Served, make_application


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Client:
    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self.base = base
        self._session = session

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        url = self.base + path
        async with self._session.request(method, url, **more) as answer:
            return Answer(status=answer.status, headers=answer.headers, body=await answer.read())


@contextlib.asynccontextmanager
async def serving(served: Served, connections: int = 100) -> AsyncIterator[Client]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = HttpServer(make_application(served), connections=connections)
    await server.start(listening)
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(base, session)
    finally:
        await server.close()

"""Mirrors angarium/api/health.py and server.py, over real sockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest

from angarium.api import HttpServer, Served, make_application
from angarium.api import server as server_module


class Source:
    def __init__(self) -> None:
        self.found: list[str] = []

    def reasons(self) -> Sequence[str]:
        return self.found

    def metrics(self) -> bytes:
        return b"angarium_x_total 1.0\n"


class Running:
    def __init__(self, source: Source, base: str, port: int, server: HttpServer) -> None:
        self.source = source
        self.base = base
        self.port = port
        self.server = server


async def start(source: Source, *, connections: int = 10, trusted: Sequence[str] = ()) -> Running:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    served = Served(health=source, metrics=source, trusted_networks=trusted)
    server = HttpServer(make_application(served), connections=connections)
    await server.start(listening)
    return Running(source, f"http://127.0.0.1:{port}", port, server)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    found = await start(Source())
    yield found
    await found.server.close()


async def ask(running: Running, method: str, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, running.base + path) as answer,
    ):
        return answer.status, await answer.text()


async def test_it_is_live(running: Running) -> None:
    status, text = await ask(running, "GET", "/healthz")
    assert (status, text) == (200, '{"status":"ok"}')


async def test_it_is_ready_unless_there_is_a_reason(running: Running) -> None:
    assert (await ask(running, "GET", "/readyz"))[0] == 200
    running.source.found = ["delivery-0: not running"]
    status, text = await ask(running, "GET", "/readyz")
    assert status == 503
    assert json.loads(text)["reasons"] == ["delivery-0: not running"]
    assert (await ask(running, "GET", "/healthz"))[0] == 200


async def test_metrics_are_prometheus_text(running: Running) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(running.base + "/metrics") as answer,
    ):
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert await answer.text() == "angarium_x_total 1.0\n"


async def test_head_has_no_body(running: Running) -> None:
    status, text = await ask(running, "HEAD", "/readyz")
    assert (status, text) == (200, "")


@pytest.mark.parametrize(
    ("method", "path", "status", "word"),
    [
        ("GET", "/", 404, "NOT_FOUND"),
        ("GET", "/metrics/", 404, "NOT_FOUND"),
        ("GET", "/../etc/passwd", 404, "NOT_FOUND"),
        ("GET", "/%2e%2e/etc/passwd", 404, "NOT_FOUND"),
        ("POST", "/healthz", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/metrics", 405, "METHOD_NOT_ALLOWED"),
    ],
)
async def test_all_else_is_refused_as_json(
    running: Running, method: str, path: str, status: int, word: str
) -> None:
    found, text = await ask(running, method, path)
    assert found == status
    answer = json.loads(text)
    assert (answer["success"], answer["error"]) == (False, word)


async def test_answers_tell_little_of_the_server_and_have_an_id(running: Running) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(running.base + "/healthz") as answer,
    ):
        assert answer.headers["Server"] == "Angarium"
        assert answer.headers["X-Request-Id"]
        assert answer.headers["Cache-Control"] == "no-store"


async def test_other_networks_are_refused_when_some_are_trusted() -> None:
    running = await start(Source(), trusted=["192.0.2.0/24"])
    try:
        status, text = await ask(running, "GET", "/metrics")
        assert status == 403
        assert json.loads(text)["error"] == "FORBIDDEN"
    finally:
        await running.server.close()


@pytest.mark.parametrize(
    "wire",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 9000 + b"\r\n\r\n",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"EHLO client.example\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1" + b"\x00" * 200,
    ],
)
async def test_what_is_too_large_or_no_http_is_refused_with_a_400(
    running: Running, wire: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(wire)
    async with asyncio.timeout(10):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.")
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert b"Traceback" not in answer
    writer.close()
    assert (await ask(running, "GET", "/healthz"))[0] == 200


async def test_connections_beyond_the_limit_are_closed_at_once() -> None:
    running = await start(Source(), connections=2)
    try:
        held = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(2)]
        for reader, writer in held:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        assert running.server.refused == 1
        for _, each in [*held, (reader, writer)]:
            each.close()
    finally:
        await running.server.close()


async def test_a_silent_client_does_not_hold_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "CONNECTION_S", 0.1)
    monkeypatch.setattr(server_module, "CLOSE_GRACE_S", 0.1)
    running = await start(Source())
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHo")
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()
    finally:
        await running.server.close()


async def test_a_client_that_goes_on_asking_keeps_its_connection(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "CLOSE_GRACE_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    async with asyncio.timeout(20):
        for _ in range(2):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in await reader.readline()
            await reader.readuntil(b"}")
            (handler,) = running.server._active
            running.server._look_at(handler)  # as a timer does: it has asked since
        running.server._look_at(handler)  # and now it has not
        assert await reader.read() == b""
    writer.close()

"""``bin/bench visible``: how long after something happened its sender can see it, by status and by webhook, under load.

A server takes mail by HTTP at a rate and delivers it; every event of all of it goes to a webhook. Beside that, some
messages are looked at, all the time: from the moment that the server says ``delivered`` was (its event's own time) to
the answer that shows it, and to the request that tells it.
"""

import asyncio
import json
import multiprocessing
import shutil
import time
from collections.abc import Sequence
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
import uvloop
from aiohttp import web
from rich.table import Table

from bench import http_load
from bench.angarium_peer import AngariumPeer, Setup
from bench.api import API, checked, mail, postmaster
from bench.errors import BenchError
from bench.http_load import Work
from bench.machine import describe
from bench.peer import work_folder
from bench.report import console, print_machine, save
from bench.sinks import OwnSink

WEBHOOK: Final = '\n[webhook]\nallow_networks = ["127.0.0.0/8"]\n'
LOOKED_AT_S: Final = 0.2  # between two messages that are looked at
LOOK_S: Final = 0.01  # between two looks at one
WITHIN_S: Final = 60.0
_spawning: Final = multiprocessing.get_context("spawn")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    rate: float  # messages a second
    sent: int
    status: Sequence[float]  # ms at p50, p95, p99
    webhook: Sequence[float]
    told: int  # events, by webhook


def run(folder: Path, seconds: float, rates: Sequence[float]) -> None:
    machine = describe(folder)
    print_machine(machine)
    found = [_measure(folder, seconds, each) for each in rates]
    columns = ("messages/s", "status: p50 ms", "p95", "p99", "webhook: p50 ms", "p95", "p99")
    table = Table(*columns)
    for each in found:
        row = [f"{each.rate:,.0f}"]
        table.add_row(*row, *[f"{ms:,.0f}" for ms in (*each.status, *each.webhook)])
    console.print(table)
    save("visible", machine, found=found, seconds=seconds)


def _measure(parent: Path, seconds: float, rate: float) -> Seen:
    folder = work_folder(parent, "visible")
    ours, theirs = _spawning.Pipe()
    receiver = _spawning.Process(target=_receive, args=(theirs,), daemon=True)
    receiver.start()
    hook = ours.recv()
    try:
        with OwnSink() as sink:
            peer = AngariumPeer(folder, sink.port, Setup(), more=API + WEBHOOK)
            try:
                postmaster(peer, "domain", "add", "bench.example", "--assume-verified")
                key = json.loads(postmaster(peer, "key", "create", "--rate", "1000000"))["key"]
                return uvloop.run(_look(peer.http, key, hook, ours, seconds, rate))
            finally:
                peer.stop()
    finally:
        receiver.terminate()
        receiver.join()
        shutil.rmtree(folder, ignore_errors=True)


async def _look(
    port: int, key: str, hook: int, told: Connection, seconds: float, rate: float
) -> Seen:
    headers = {"X-API-Key": key}
    work = Work(
        port=port, path="/v1/send", key=key, body=json.dumps(mail()), seconds=seconds, rate=rate
    )
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as client:
        wish = {"url": f"http://127.0.0.1:{hook}/", "events": ["*"]}
        async with client.post("/v1/webhooks", json=wish) as answer:
            if answer.status >= 300:
                raise BenchError(f"the webhook was refused: {await answer.text()}")
        load = asyncio.create_task(asyncio.to_thread(http_load.run, work))
        looks: list[asyncio.Task[float]] = []
        while not load.done():
            looks.append(asyncio.create_task(_visible(client)))
            await asyncio.sleep(LOOKED_AT_S)
        done = checked(await load)
        status = await asyncio.gather(*looks)
    await asyncio.sleep(2)
    told.send(None)
    took = await asyncio.to_thread(told.recv)
    if not took:
        raise BenchError("nothing was told by webhook")
    return Seen(
        rate=rate,
        sent=done.answered,
        status=_cuts(status),
        webhook=_cuts(took),
        told=len(took),
    )


async def _visible(client: aiohttp.ClientSession) -> float:
    """Send one; return how many ms behind the time of its transfer it was answered that there was one."""
    async with client.post("/v1/send", json=mail()) as answer:
        email_id = (await answer.json())["emailId"]
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        async with client.get(f"/v1/status/{email_id}") as answer:
            found: dict[str, Any] = await answer.json()
        now = time.time()
        for each in found.get("events", ()):
            if each["type"] in ("sent", "delivered"):
                return (now - datetime.fromisoformat(each["timestamp"]).timestamp()) * 1000
        await asyncio.sleep(LOOK_S)
    raise BenchError(f"{email_id} was not seen delivered within {WITHIN_S:.0f} s")


def _cuts(took: Sequence[float]) -> list[float]:
    ordered = sorted(took)
    return [
        ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95, 0.99)
    ]


def _receive(connection: Connection) -> None:
    """Take requests, and at the end say how long after its event each came; runs in a process of its own."""
    uvloop.run(_serve(connection))


async def _serve(connection: Connection) -> None:
    took: list[float] = []

    async def hook(request: web.Request) -> web.Response:
        now = time.time()
        told = json.loads(await request.read())
        took.append((now - datetime.fromisoformat(told["timestamp"]).timestamp()) * 1000)
        return web.Response()

    application = web.Application()
    application.router.add_post("/", hook)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    connection.send(runner.addresses[0][1])
    await asyncio.to_thread(connection.recv)
    connection.send(took)
    await asyncio.Event().wait()

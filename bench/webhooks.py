"""``bin/bench webhooks``: how many deliveries a second the platform process makes, from the event log to the 200.

Its parts are those of the server, with fsync; events are made by hand, and a process beside it takes the requests.
"""

import asyncio
import multiprocessing
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop
from aiohttp import web
from rich.table import Table

from angarium.config.loader import load
from angarium.queue import MessageIdGenerator, Position, UnixMs
from angarium.queue.events import Delivered, MessageAccepted
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.model import Attempt, Origin
from angarium.service.platform.event_follower import BATCH
from angarium.service.platform.webhook_follower import NoIntroductions
from angarium.service.platform.webhook_parts import WebhookParts
from angarium.tenancy import SnapshotFile
from angarium.tenancy.platform import Platform
from angarium.tenancy.secret_file import make_secret_file, secret_path
from angarium.tenancy.webhook import WebhookFormat
from angarium.tenancy.webhooks import WebhookWish
from bench.machine import describe
from bench.peer import work_folder
from bench.report import console, print_machine, save

CONFIG: Final = """
[server]
hostname = "mx1.example.com"
data_dir = "{folder}"
[dns]
nameservers = ["127.0.0.1:1"]
[webhook]
allow_networks = ["127.0.0.0/8"]
"""
WITHIN_S: Final = 600
_spawning: Final = multiprocessing.get_context("spawn")


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    deliveries: int
    seconds: float
    cpu_ms: float  # of the platform process, per delivery

    @property
    def rate(self) -> float:
        return self.deliveries / self.seconds


def run(folder: Path, messages: int) -> None:
    machine = describe(folder)
    print_machine(machine)
    cases: Sequence[tuple[str, WebhookFormat, int, int]] = (
        ("one endpoint", "native", 1, 0),
        ("ten endpoints", "native", 10, 0),
        ("one endpoint, SendGrid's form", "sendgrid", 1, 0),
        ("one endpoint, and five that never answer", "native", 1, 5),
    )
    found = [uvloop.run(_measure(folder, messages, *case)) for case in cases]
    table = Table("", "deliveries", "per second", "CPU per delivery")
    for each in found:
        table.add_row(
            each.name, f"{each.deliveries:,}", f"{each.rate:,.0f}", f"{each.cpu_ms:.2f} ms"
        )
    console.print(table)
    save("webhooks", machine, messages=messages, found=found)


async def _measure(
    folder: Path, messages: int, name: str, form: WebhookFormat, endpoints: int, silent: int
) -> Measured:
    work = work_folder(folder, "webhooks")
    ours, theirs = _spawning.Pipe()
    receiver = _spawning.Process(target=_receive, args=(theirs,), daemon=True)
    receiver.start()
    port = await asyncio.to_thread(ours.recv)
    try:
        return await _tell(work, messages, name, form, endpoints, silent, port)
    finally:
        receiver.terminate()
        receiver.join()
        shutil.rmtree(work, ignore_errors=True)


async def _tell(
    work: Path,
    messages: int,
    name: str,
    form: WebhookFormat,
    endpoints: int,
    silent: int,
    port: int,
) -> Measured:
    file = work / "angarium.toml"
    file.write_text(CONFIG.format(folder=work / "data"))
    config = load(file)
    (work / "data").mkdir(mode=0o700)
    make_secret_file(secret_path(config), None)
    with Platform.open(config, actor="bench") as platform:
        for number in range(endpoints + silent):
            path = "silent" if number >= endpoints else "hook"
            url = f"http://127.0.0.1:{port}/{path}/{number}"
            platform.webhooks.create(WebhookWish(tenant="default", url=url, format=form))
        platform.publish()
    stop = asyncio.Event()
    parts = WebhookParts(
        config, SnapshotFile(work / "data"), NoIntroductions(), _NoKeepsakes(), _now, stop
    )
    running = asyncio.create_task(parts.run())
    positions = _events(messages)
    wanted = len(positions) * endpoints
    begun, cpu = time.perf_counter(), time.process_time()
    for at in range(0, len(positions), BATCH):
        await parts.follower.handle(positions[at : at + BATCH])
    async with asyncio.timeout(WITHIN_S):
        while parts.courier.delivered < wanted:
            await asyncio.sleep(0.01)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    stop.set()
    await running
    await parts.close()
    return Measured(name=name, deliveries=wanted, seconds=seconds, cpu_ms=cpu * 1000 / wanted)


def _events(messages: int) -> list[Position]:
    """Each message is accepted, and delivered."""
    new_id = MessageIdGenerator(_now, os.urandom)
    events: list[CataloguedKind] = []
    for number in range(messages):
        message_id, recipient = new_id(), f"user{number}@example.net"
        events += (
            MessageAccepted(
                at=_now(),
                message_id=message_id,
                tenant="default",
                stream="default",
                reverse_path="noreply@shop.example",
                recipients=(recipient,),
                size_octets=4096,
                message_id_header=f"<{message_id.hex()}@shop.example>",
                origin=Origin(kind="submission"),
            ),
            Delivered(
                at=_now(),
                message_id=message_id,
                tenant="default",
                stream="default",
                index=0,
                recipient=recipient,
                reverse_path="noreply@shop.example",
                attempts=1,
                attempt=_ATTEMPT,
            ),
        )
    return [Position(sequence, event) for sequence, event in enumerate(events, 1)]


_ATTEMPT: Final = Attempt(
    at=UnixMs(1),
    host="mx.example.net",
    address="192.0.2.1",
    source="ip1",
    code=250,
    enhanced="2.0.0",
    text="Ok: queued as 4XyZ",
    tls="TLSv1.3",
    stage="final_dot",
)


class _NoKeepsakes:
    def read(self, prefix: str) -> dict[str, bytes]:
        return {}

    async def write(
        self, changes: Mapping[str, bytes | None], events: Sequence[CataloguedKind] = ()
    ) -> None:
        pass


def _receive(connection: Connection) -> None:
    """Answer 200 at once, or never; runs in a process of its own."""
    uvloop.run(_serve(connection))


async def _serve(connection: Connection) -> None:
    async def hook(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    async def silent(_: web.Request) -> web.Response:
        await asyncio.sleep(3600)
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook/{number}", hook)
    application.router.add_post("/silent/{number}", silent)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: Any = runner.addresses[0][1]
    connection.send(port)
    await asyncio.Event().wait()


def _now() -> UnixMs:
    return UnixMs(time.time_ns() // 1_000_000)

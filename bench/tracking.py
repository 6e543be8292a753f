"""``bin/bench tracking``: how fast the tracking site answers, how soon a fetch is durable, and how good verdicts are.

The site's parts are those of an ingress process, with fsync; the load is a process beside it.
"""

import asyncio
import os
import random
import shutil
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import uvloop
from rich.table import Table

from angarium.api import HttpServer, Served, make_application
from angarium.api.server import Site
from angarium.api.tracked.hosts import NamedHosts
from angarium.api.tracked.site import TrackedSite
from angarium.config.schema import Queue
from angarium.queue import LmdbSpool, MessageIdGenerator, UnixMs
from angarium.queue.events.catalogue import CataloguedKind
from angarium.service.ingress.fetch_recorder import FetchRecorder
from angarium.tracking.tokens import TrackingKeys
from bench import http_load
from bench.http_load import Done, Work
from bench.machine import describe
from bench.peer import work_folder
from bench.report import console, print_machine, save
from bench.tracking_set import (
    facts_of,
    judge_set,
    read_set,
    rows_of,
    shipped_machine_networks,
)

HOST: Final = "t.bench.example"
COPIES: Final = 20_000
TARGET: Final = "https://shop.example/spring?utm_source=mail&id=1234567"
RATE: Final = 2000.0  # of the paced run, in which answers are timed


class Durability:
    """Stands in front of ``Spool.record``: how old the oldest fetch of each batch is once it is on disk."""

    def __init__(self, spool: LmdbSpool) -> None:
        self._spool = spool
        self.ages_ms: list[int] = []
        self.recorded = 0

    async def record(self, events: Sequence[CataloguedKind]) -> None:
        await self._spool.record(events)
        self.recorded += len(events)
        self.ages_ms.append(_now() - min(each.at for each in events))


def run(folder: Path, seconds: float) -> None:
    machine = describe(folder)
    print_machine(machine)
    speed = uvloop.run(_speed(folder, seconds))
    told = judge_set(read_set())
    _print_speed(speed)
    _print_verdicts(rows_of(told))
    save("tracking", machine, speed=speed, verdicts=facts_of(told))


async def _speed(folder: Path, seconds: float) -> list[dict[str, Any]]:
    work = work_folder(folder, "tracking")
    spool = LmdbSpool.open(work, Queue(), _now)
    durability = Durability(spool)
    recorder = FetchRecorder(durability.record)
    keys = TrackingKeys({1: bytes(32)})
    site = TrackedSite(
        hosts=NamedHosts({HOST: ""}),
        keys=keys,
        tenants=_OneTenant(),
        networks=shipped_machine_networks(),
        record=recorder,
        clock=_now,
    )
    paths = _paths(keys)
    try:
        found = [
            await _measure("pictures", site, paths["o"], recorder, durability, seconds, 0.0),
            await _measure("links", site, paths["c"], recorder, durability, seconds, 0.0),
            await _measure(
                f"half and half, {RATE:,.0f}/s",
                site,
                paths["o"] + paths["c"],
                recorder,
                durability,
                seconds,
                RATE,
            ),
            await _api("the API's /healthz, with the site", site, seconds, 0.0),
            await _api("the API's /healthz, without", None, seconds, 0.0),
            # What this machine's own unrest is of the paced run above
            await _api(f"the API's /healthz, {RATE:,.0f}/s", None, seconds, RATE),
        ]
    finally:
        spool.close()
        shutil.rmtree(work, ignore_errors=True)
    return found


def _paths(keys: TrackingKeys) -> dict[str, list[str]]:
    new_id = MessageIdGenerator(_now, os.urandom)
    found: dict[str, list[str]] = {"o": [], "c": []}
    for number in range(COPIES):
        message = new_id()
        who = keys.who(message, 0, "default", _now())
        found["o"].append(f"/o/{who}")
        found["c"].append(f"/c/{who}/{keys.link(message, 'default', number % 7, TARGET)}")
    for each in found.values():
        random.Random(1).shuffle(each)
    return found


async def _measure(
    name: str,
    site: TrackedSite,
    paths: Sequence[str],
    recorder: FetchRecorder,
    durability: Durability,
    seconds: float,
    rate: float,
) -> dict[str, Any]:
    recorded, lost = durability.recorded, recorder.lost + recorder.repeated
    durability.ages_ms.clear()
    done, cpu_s = await _load(
        site,
        Work(
            port=0, method="GET", paths=tuple(paths[:4000]), host=HOST, seconds=seconds, rate=rate
        ),
    )
    await recorder.close()
    return {
        "name": name,
        "per_s": done.per_s,
        "per_core_s": done.answered / cpu_s,
        "p99_ms": done.p99_ms,
        "refused": done.refused,
        "recorded": durability.recorded - recorded,
        "lost": recorder.lost + recorder.repeated - lost,
        "durable_ms": max(durability.ages_ms, default=0),
    }


async def _api(name: str, site: Site | None, seconds: float, rate: float) -> dict[str, Any]:
    work = Work(port=0, method="GET", path="/healthz", seconds=seconds, rate=rate)
    done, cpu_s = await _load(site, work)
    return {
        "name": name,
        "per_s": done.per_s,
        "per_core_s": done.answered / cpu_s,
        "p99_ms": done.p99_ms,
        "refused": done.refused,
    }


async def _load(site: Site | None, work: Work) -> tuple[Done, float]:
    """Return what came of it, and the seconds of processor time that this process took."""
    listening = socket.create_server(("127.0.0.1", 0))
    application = make_application(Served(health=_Health()))
    server = HttpServer(application, connections=1000, site=site)
    await server.start(listening)
    port = listening.getsockname()[1]
    began = time.process_time()
    try:
        done = await asyncio.to_thread(
            http_load.run,
            Work(
                port=port,
                method=work.method,
                path=work.path,
                paths=work.paths,
                host=work.host,
                seconds=work.seconds,
                rate=work.rate,
            ),
        )
        return done, time.process_time() - began
    finally:
        await server.close()


def _print_speed(speed: Sequence[dict[str, Any]]) -> None:
    table = Table(
        "", "requests/s", "per second of a core", "p99", "recorded", "lost", "durable within"
    )
    for each in speed:
        table.add_row(
            each["name"],
            f"{each['per_s']:,.0f}",
            f"{each['per_core_s']:,.0f}",
            f"{each['p99_ms']:.1f} ms",
            f"{each['recorded']:,}" if "recorded" in each else "",
            f"{each['lost']:,}" if "lost" in each else "",
            f"{each['durable_ms']:,} ms" if "durable_ms" in each else "",
        )
    console.print(table)


def _print_verdicts(rows: Sequence[tuple[str, Any]]) -> None:
    table = Table(
        "labelled fetches",
        "machines found",
        "machines missed",
        "people wronged",
        "people spared",
        "precision",
        "recall",
    )
    for name, each in rows:
        table.add_row(
            name,
            *(f"{number:,}" for number in (each.found, each.missed, each.wronged, each.spared)),
            f"{each.precision:.3f}",
            f"{each.recall:.3f}",
        )
    console.print(table)


class _OneTenant:
    def named(self, _tag: bytes) -> str:
        return "default"


class _Health:
    def reasons(self) -> Sequence[str]:
        return ()

    def metrics(self) -> bytes:
        return b""


def _now() -> UnixMs:
    return UnixMs(time.time_ns() // 1_000_000)

"""``bin/bench latency``: from the end of data to the 250, at half the maximum rate, open loop."""

import shutil
from pathlib import Path
from typing import Any

import uvloop
from rich.table import Table

from bench.angarium_peer import Setup, angarium
from bench.errors import BenchError
from bench.latency_client import Client, Latencies
from bench.load import submit
from bench.machine import describe
from bench.measure import WARM_UP, wait_for
from bench.peer import StartPeer, present, work_folder
from bench.postfix_peer import POSTFIX
from bench.report import console, print_machine, save
from bench.sinks import OwnSink

SESSIONS = 100
PERCENTILES = (50.0, 95.0, 99.0, 99.9)


def run(folder: Path, size: int, seconds: float, quick: bool) -> None:
    machine = describe(folder)
    print_machine(machine)
    candidates = (POSTFIX, angarium(Setup(single=True)), angarium(Setup()))
    lines = [
        _one(folder, size, seconds, 1500 if quick else 6000, name, start)
        for name, start in present(candidates, console.print)
    ]
    _print(lines, size)
    save("latency", machine, size=size, seconds=seconds, sessions=SESSIONS, results=lines)


def _one(
    parent: Path, size: int, seconds: float, messages: int, name: str, start: StartPeer
) -> dict[str, Any]:
    folder = work_folder(parent, "run")
    try:
        with OwnSink() as sink:
            peer = start(folder, sink.port)
            try:
                submit(peer.port, messages=WARM_UP, size=size, name="warm")
                wait_for(sink, WARM_UP)
                maximum = messages / submit(peer.port, messages=messages, size=size)
                wait_for(sink, WARM_UP + messages)
                client = Client(peer.port, size=size, sessions=SESSIONS)
                try:
                    found = uvloop.run(client.run(maximum / 2, seconds))
                except ConnectionError as e:
                    raise BenchError(f"{name}: {e}") from None
                wait_for(sink, WARM_UP + messages + len(found.accept))
                return _line(name, maximum, found)
            finally:
                peer.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _line(name: str, maximum: float, found: Latencies) -> dict[str, Any]:
    if not found.accept:
        raise BenchError(f"{name}: nothing was accepted")
    return {
        "peer": name,
        "maximum_per_s": maximum,
        "rate_per_s": maximum / 2,
        "accepted": len(found.accept),
        "unsent": found.unsent,
        "accept_ms": {f"p{p:g}": _percentile(found.accept, p) for p in PERCENTILES},
        "since_due_ms": {f"p{p:g}": _percentile(found.since_due, p) for p in PERCENTILES},
    }


def _percentile(ordered: list[float], percent: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))], 3)


def _print(lines: list[dict[str, Any]], size: int) -> None:
    table = Table(title=f"latency: {size:,} octets, half the maximum rate, {SESSIONS} sessions")
    table.add_column("system")
    for name in (
        "maximum/s",
        "at/s",
        *(f"p{p:g} ms" for p in PERCENTILES),
        "p95 since due",
        "unsent",
    ):
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(
            line["peer"],
            f"{line['maximum_per_s']:,.0f}",
            f"{line['rate_per_s']:,.0f}",
            *(f"{value:.1f}" for value in line["accept_ms"].values()),
            f"{line['since_due_ms']['p95']:.1f}",
            f"{line['unsent']}",
        )
    console.print(table)

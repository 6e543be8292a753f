"""``bin/bench backlog``: a start on a full queue, and what deferred mail costs the rest."""

import json
import shutil
import subprocess
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.progress import Progress
from rich.table import Table

from angarium.queue.model import DEFAULT_TENANT
from bench.angarium_peer import POSTMASTER, AngariumPeer, Setup, write_config
from bench.errors import BenchError
from bench.fill import fill
from bench.machine import describe
from bench.measure import Plan, Round, alternate
from bench.peer import work_folder
from bench.processes import MemoryPeak, command_line, memory, tree
from bench.report import console, print_machine, save
from bench.sinks import OwnSink

DELIVERING_S: Final = 20.0  # how long memory is watched after the first delivery
DAY_S: Final = 86_400.0
LISTINGS: Final = 3


def run(folder: Path, recipients: int, deferred: int, quick: bool) -> None:
    machine = describe(folder)
    print_machine(machine)
    starts = [_start_on(folder, recipients, setup) for setup in (Setup(), Setup(single=True))]
    _print_starts(starts, recipients)
    plan = Plan(
        messages=1500 if quick else 10_000,
        sizes=(4096,),
        rounds=1 if quick else 3,
        sessions=50,
        reconnect=False,
        sink="own",
        folder=folder,
    )
    rounds = alternate(
        plan,
        [("nothing deferred", _Deferred(0)), (f"{deferred:,} deferred", _Deferred(deferred))],
        console.print,
    )
    rates = {
        name: median(each.messages / each.end_to_end_s for each in rounds if each.peer == name)
        for name in dict.fromkeys(each.peer for each in rounds)
    }
    _print_rates(rates, rounds)
    save("backlog", machine, recipients=recipients, starts=starts, deferred=rates, rounds=rounds)


def _start_on(parent: Path, recipients: int, setup: Setup) -> dict[str, Any]:
    """Fill a queue with due recipients, start a server on it and watch it deliver for a while."""
    folder = work_folder(parent, "backlog")
    try:
        with OwnSink() as sink:
            filled_s = fill_queue(folder, setup, sink.port, recipients, due_in_s=0)
            peer = AngariumPeer(folder, sink.port, setup)
            ready_s = time.monotonic() - peer.started
            try:
                return {
                    "peer": setup.name,
                    "filled_s": filled_s,
                    "queue_octets": _octets(folder / "data"),
                    "ready_s": ready_s,
                    **_watch(peer, sink),
                }
            finally:
                peer.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _watch(peer: AngariumPeer, sink: OwnSink) -> dict[str, Any]:
    with MemoryPeak(lambda: tree(peer.roots()), interval_s=0.5) as watch:
        deadline = time.monotonic() + 60
        while not (count := sink.count()).messages:
            if time.monotonic() > deadline:
                raise BenchError("nothing was delivered within 60 s of the start")
            time.sleep(0.01)
        first_s = count.first - peer.started
        listings = [_list_seconds(peer.config) for _ in range(LISTINGS)]
        time.sleep(max(0.0, count.first + DELIVERING_S - time.monotonic()))
        after = sink.count()
        processes = [_process(pid) for pid in tree(peer.roots())]
    if after.duplicates:
        raise BenchError(f"{after.duplicates} messages came twice")
    return {
        "first_delivery_s": first_s,
        "delivered": after.messages,
        "delivered_per_s": after.messages / (after.last - after.first),
        "largest_process_rss": watch.peak.largest_rss,
        "largest_process_anonymous": watch.peak.largest_anonymous,
        "all_processes_pss": watch.peak.pss,
        "queue_list_s": median(listings),
        "processes": processes,
    }


def _list_seconds(config: Path) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [POSTMASTER, "queue", "list", "--config", config, "--json"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    took = time.monotonic() - began
    if done.returncode or not done.stdout.strip():
        raise BenchError(f"queue list ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    json.loads(done.stdout)
    return took


def _process(pid: int) -> dict[str, Any]:
    now = memory([pid])
    return {
        "command": " ".join(command_line(pid)),
        "rss": now.largest_rss,
        "anonymous": now.largest_anonymous,
    }


class _Deferred:
    """Starts a server on a queue with so many recipients that are due tomorrow."""

    def __init__(self, deferred: int) -> None:
        self._deferred = deferred

    def __call__(self, folder: Path, sink_port: int) -> AngariumPeer:
        setup = Setup()
        if self._deferred:
            fill_queue(folder, setup, sink_port, self._deferred, due_in_s=DAY_S)
        return AngariumPeer(folder, sink_port, setup)


def fill_queue(
    folder: Path,
    setup: Setup,
    sink_port: int,
    messages: int,
    *,
    due_in_s: float,
    tenant: str = DEFAULT_TENANT,
) -> float:
    """Queue so many messages for a server that is not there yet; returns the seconds that it took."""
    # The ports of this first configuration are never opened; the server's own replaces it.
    config = write_config(folder, setup, sink_port=sink_port, smtp_port=2525, http_port=8025)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"queueing {messages:,} recipients", total=messages)
        return fill(
            config,
            messages,
            due_in_s=due_in_s,
            tenant=tenant,
            say=lambda done: progress.update(task, completed=done),
        )


def _octets(folder: Path) -> int:
    return sum(each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file())


def _print_starts(starts: list[dict[str, Any]], recipients: int) -> None:
    table = Table(title=f"backlog: a start on {recipients:,} due recipients", title_justify="left")
    table.add_column("system")
    for name in (
        "ready s",
        "first delivery s",
        "delivered/s",
        "largest RSS MB",
        "its own MB",
        "list s",
    ):
        table.add_column(name, justify="right")
    for each in starts:
        table.add_row(
            each["peer"],
            f"{each['ready_s']:.2f}",
            f"{each['first_delivery_s']:.2f}",
            f"{each['delivered_per_s']:,.0f}",
            f"{each['largest_process_rss'] / 1e6:,.0f}",
            f"{each['largest_process_anonymous'] / 1e6:,.0f}",
            f"{each['queue_list_s']:.2f}",
        )
    console.print(table)


def _print_rates(rates: dict[str, float], rounds: list[Round]) -> None:
    table = Table(title="backlog: the rate beside deferred recipients, 4 KB", title_justify="left")
    table.add_column("queue")
    for name in ("end to end/s", "of rounds", "of the first"):
        table.add_column(name, justify="right")
    first = next(iter(rates.values()))
    for name, rate in rates.items():
        each = [one.messages / one.end_to_end_s for one in rounds if one.peer == name]
        table.add_row(
            name, f"{rate:,.0f}", f"{min(each):,.0f}-{max(each):,.0f}", f"{rate / first:.0%}"
        )
    console.print(table)

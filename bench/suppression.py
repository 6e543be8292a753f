"""``bin/bench suppression``: look-ups, start, import and relay beside many suppressed addresses."""

import asyncio
import json
import random
import shutil
import subprocess
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from rich.progress import Progress
from rich.table import Table

from angarium.config.loader import load
from angarium.config.schema import Config
from angarium.queue import LmdbSpool, Suppression, UnixMs
from angarium.queue.lmdb.suppression.table import encode_suppression
from angarium.queue.lmdb.transaction import WriteTransaction
from bench.angarium_peer import POSTMASTER, AngariumPeer, Setup, write_config
from bench.errors import BenchError
from bench.machine import describe
from bench.measure import Plan, Round, alternate
from bench.peer import work_folder
from bench.processes import MemoryPeak, memory, tree
from bench.report import console, print_machine, save
from bench.sinks import OwnSink

BATCH: Final = 20_000
DOMAINS: Final = 1000
LOOKUPS: Final = 200_000
# Filled anew for each round; of a table ten times as large the look-up shows what it costs more
RELAY_ENTRIES: Final = 1_000_000


def run(folder: Path, entries: int, rows: int, quick: bool) -> None:
    machine = describe(folder)
    print_machine(machine)
    none, filled = (_measure(folder, each, rows) for each in (0, entries))
    _print(none, filled, rows)
    beside = min(entries, RELAY_ENTRIES)
    plan = Plan(
        messages=1500 if quick else 10_000,
        sizes=(4096,),
        rounds=1 if quick else 4,
        sessions=50,
        reconnect=False,
        sink="own",
        folder=folder,
    )
    rounds = alternate(
        plan,
        [("nobody suppressed", _Suppressing(0)), (f"{beside:,}", _Suppressing(beside))],
        console.print,
    )
    _print_rates(rounds)
    save(
        "suppression", machine, entries=entries, rows=rows, none=none, filled=filled, rounds=rounds
    )


def _measure(parent: Path, entries: int, rows: int) -> dict[str, Any]:
    """Fill, look up, start a server, and import into it."""
    folder = work_folder(parent, "suppression")
    try:
        with OwnSink() as sink:
            config = write_config(
                folder, Setup(), sink_port=sink.port, smtp_port=2525, http_port=8025
            )
            lookups = asyncio.run(_fill_and_look(load(config), entries))
            peer = AngariumPeer(folder, sink.port, Setup())
            try:
                ready_s = time.monotonic() - peer.started
                before = memory(tree(peer.roots()))
                imported = _import(folder, peer.config, rows)
                after = memory(tree(peer.roots()))
            finally:
                peer.stop()
            return {
                **lookups,
                **imported,
                "ready_s": ready_s,
                "own_octets": before.largest_anonymous,
                "own_octets_after_import": after.largest_anonymous,
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _fill_and_look(config: Config, entries: int) -> dict[str, Any]:
    spool = _open(config)
    try:
        await fill(spool, entries)
        own = memory_of_us()
        chance = random.Random(1)
        took: list[float] = []
        found = 0
        for _ in range(LOOKUPS):
            # Half of them are suppressed
            number = chance.randrange(max(entries, 1) * 2)
            address = _address(number)
            began = time.perf_counter()
            each = spool.suppressions.find(address, "default", "default")
            took.append(time.perf_counter() - began)
            found += each is not None
        if entries and not 0.45 < found / LOOKUPS < 0.55:
            raise BenchError(f"{found} of {LOOKUPS} were found")
        cuts = quantiles(took, n=1000)
        return {
            "p50_us": median(took) * 1e6,
            "p99_us": cuts[989] * 1e6,
            "p999_us": cuts[998] * 1e6,
            "grown_octets": memory_of_us() - own,
        }
    finally:
        spool.close()


def memory_of_us() -> int:
    """Of this process, without the pages of the map."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise BenchError("the kernel says nothing of RssAnon")


def _open(config: Config) -> LmdbSpool:
    folder = Path(config.server.data_dir)
    folder.mkdir(mode=0o700, exist_ok=True)
    return LmdbSpool.open(folder / "queue", config.queue, _now)


async def fill(spool: LmdbSpool, entries: int) -> None:
    """Write the table itself, in the order of its keys: without events, many times faster than by its API."""
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"suppressing {entries:,}", total=entries)
        made = sorted(
            (_address(number) for number in range(entries)), key=lambda each: each.split("@")[::-1]
        )
        for start in range(0, entries, BATCH):
            await spool.suppressions._submit(_Put(made[start : start + BATCH]))
            progress.update(task, completed=start + BATCH)


class _Put:
    """Operation."""

    def __init__(self, emails: list[str]) -> None:
        rows = [
            Suppression(
                email=each,
                reason="user_unknown",
                added_at=_now(),
                evidence="mx.example.net said: 550 5.1.1 no such user here, see the postmaster's page",
                reference="0190a000-0000-7000-8000-000000000000",
            )
            for each in emails
        ]
        self._rows = [(each.key, encode_suppression(each)) for each in rows]
        self.octets = len(self._rows) * 300

    def apply(self, tx: WriteTransaction) -> None:
        for key, raw in self._rows:
            tx.put(tx.env.suppression, key, raw)


def _address(number: int) -> str:
    return f"user{number * 7919 % 100_000_007}@d{number % DOMAINS}.example.net"


def _now() -> UnixMs:
    return UnixMs(time.time_ns() // 1_000_000)


def _import(folder: Path, config: Path, rows: int) -> dict[str, Any]:
    file = folder / "rows.csv"
    with file.open("w") as out:
        out.write("email,reason,evidence\n")
        for number in range(rows):
            out.write(f"new{number}@i{number % DOMAINS}.example.org,complaint,from before\n")
    began = time.monotonic()
    command = [POSTMASTER, "suppress", "import", file, "--json", "--config", config]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
        MemoryPeak(lambda: tree([process.pid]), interval_s=0.5) as watch,
    ):
        said, wrong = process.communicate(timeout=600)
        took = time.monotonic() - began
    if process.returncode or json.loads(said)["added"] != rows:
        raise BenchError(f"import ended with {process.returncode}: {wrong.decode()[-500:]}")
    return {"import_s": took, "import_own_octets": watch.peak.largest_anonymous}


class _Suppressing:
    """Starts a server with so many suppressed addresses, none of which gets mail."""

    def __init__(self, entries: int) -> None:
        self._entries = entries

    def __call__(self, folder: Path, sink_port: int) -> AngariumPeer:
        config = write_config(folder, Setup(), sink_port=sink_port, smtp_port=2525, http_port=8025)
        asyncio.run(self._fill(load(config)))
        return AngariumPeer(folder, sink_port, Setup())

    async def _fill(self, config: Config) -> None:
        spool = _open(config)
        try:
            await fill(spool, self._entries)
        finally:
            spool.close()


def _print(none: dict[str, Any], filled: dict[str, Any], rows: int) -> None:
    table = Table(title="suppression: look-ups, start, import", title_justify="left")
    for name in ("", "none", "filled"):
        table.add_column(name, justify="right" if name else "left")
    for name, key, scale in (
        ("look-up p50 us", "p50_us", 1.0),
        ("look-up p99 us", "p99_us", 1.0),
        ("look-up p99.9 us", "p999_us", 1.0),
        ("ready s", "ready_s", 1.0),
        ("own MB of the largest process", "own_octets", 1e-6),
        ("the same after the import", "own_octets_after_import", 1e-6),
        (f"import of {rows:,} rows, s", "import_s", 1.0),
        ("own MB of the import", "import_own_octets", 1e-6),
    ):
        table.add_row(name, *(f"{each[key] * scale:,.2f}" for each in (none, filled)))
    console.print(table)


def _print_rates(rounds: list[Round]) -> None:
    table = Table(title="suppression: relay, 4 KB", title_justify="left")
    for name in ("suppressed", "end to end/s", "of rounds", "of the first"):
        table.add_column(name, justify="right" if name != "suppressed" else "left")
    rates: dict[str, list[float]] = {}
    for each in rounds:
        rates.setdefault(each.peer, []).append(each.messages / each.end_to_end_s)
    first = median(next(iter(rates.values())))
    for name, found in rates.items():
        share = f"{median(found) / first:.0%}"
        table.add_row(name, f"{median(found):,.0f}", f"{min(found):,.0f}-{max(found):,.0f}", share)
    console.print(table)

"""``bin/bench fairness``: what one tenant's mountain of waiting mail costs another's single messages."""

import json
import shutil
import smtplib
import time
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from bench.angarium_peer import AngariumPeer, Setup
from bench.backlog import fill_queue
from bench.errors import BenchError
from bench.load import DOMAIN, SENDER
from bench.machine import describe
from bench.peer import work_folder
from bench.ports import LOOPBACK
from bench.report import console, print_machine, save
from bench.sinks import OwnSink

BIG: Final = "big"  # whose mail waits; single messages are the default tenant's
SINGLES: Final = 200
EVERY_S: Final = 0.05
PERCENTILES: Final = (50, 99, 100)


def run(folder: Path, waiting: int) -> None:
    machine = describe(folder)
    print_machine(machine)
    lines = [_one(folder, waiting, setup) for setup in (Setup(), Setup(single=True))]
    _print(lines, waiting)
    save("fairness", machine, waiting=waiting, singles=SINGLES, results=lines)


def _one(parent: Path, waiting: int, setup: Setup) -> dict[str, Any]:
    folder = work_folder(parent, "fairness")
    try:
        with OwnSink() as sink:
            fill_queue(folder, setup, sink.port, waiting, due_in_s=0, tenant=BIG)
            peer = AngariumPeer(folder, sink.port, setup)
            try:
                _submit_singles(peer.port)
                still_waiting = waiting + SINGLES - sink.count().messages
                took = _seconds(folder / "data/mail.log")
            finally:
                peer.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if still_waiting < waiting // 10:
        raise BenchError(f"only {still_waiting} were waiting at the end: fill more")
    return {
        "peer": setup.name,
        "still_waiting": still_waiting,
        "seconds": {f"p{p}": took[min(len(took) - 1, len(took) * p // 100)] for p in PERCENTILES},
    }


def _submit_singles(port: int) -> None:
    """From the moment that the server is ready: while it reads its mountain, too."""
    with smtplib.SMTP(LOOPBACK, port, timeout=30) as client:
        for number in range(SINGLES):
            text = f"From: <{SENDER}>\r\nSubject: single {number}\r\n\r\nhello\r\n"
            client.sendmail(SENDER, [f"single{number}@d{number}.{DOMAIN}"], text)
            time.sleep(EVERY_S)


def _seconds(mail_log: Path) -> list[float]:
    """Return how long each single message took from its acceptance to its last reply, sorted."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        lines = (line for line in mail_log.read_text().splitlines() if '"single' in line)
        events = [json.loads(line) for line in lines]
        took = sorted(
            each["queue_ms"] / 1000 for each in events if each["event"] in ("delivered", "relayed")
        )
        if len(took) == SINGLES:
            return took
        time.sleep(0.5)
    raise BenchError(f"of {SINGLES} single messages {len(took)} arrived within 60 s")


def _print(lines: list[dict[str, Any]], waiting: int) -> None:
    title = f"fairness: single messages beside {waiting:,} of another tenant, seconds"
    table = Table(title=title, title_justify="left")
    table.add_column("system")
    for name in ("p50", "p99", "longest", "still waiting"):
        table.add_column(name, justify="right")
    for line in lines:
        seconds = [f"{each:.3f}" for each in line["seconds"].values()]
        table.add_row(line["peer"], *seconds, f"{line['still_waiting']:,}")
    console.print(table)

"""``bin/bench campaign``: how fast a file of recipients is accepted, in how much memory, and what others feel of it.

The server is as an operator starts it, with fsync. What is measured is the way from the file into the queue; mail is
signed and delivered to a sink meanwhile, with the processor time that is left.
"""

import itertools
import json
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.table import Table

from bench import http_load
from bench.angarium_peer import AngariumPeer, Setup
from bench.api import API, RATE, checked, mail, postmaster
from bench.errors import BenchError
from bench.http_load import Done, Work
from bench.machine import describe
from bench.peer import work_folder
from bench.processes import TICK_S, command_line, cpu_ticks, process_ticks, tree
from bench.report import console, print_machine, save
from bench.sinks import OwnSink

PATH: Final = "/v1/email/campaigns"
AHEAD: Final = """
[campaigns]
queued_ahead = 100_000_000
"""
LOAD_PER_S: Final = 50.0
LOAD_S: Final = 10.0
WITHIN_S: Final = 3600.0
_PIECE: Final = 1 << 20


class Served(msgspec.Struct, frozen=True, kw_only=True):
    port: int
    key: str
    roots: Sequence[int]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    rows: int
    seconds: float
    cpu_us: Mapping[str, float]  # of each process, per row
    memory_mb: Sequence[float]  # of the campaigns process, over the run
    alone: Done  # requests of others before it
    beside: Done  # and while it was read

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


def run(folder: Path, rows: int) -> None:
    machine = describe(folder)
    print_machine(machine)
    with _angarium(folder) as (served, work):
        found = _measure(served, work, rows)
    table = Table(
        "rows", "rows/s", "CPU µs a row", "memory MB, first to last", "others: p50, p95, p99 ms"
    )
    memory = [f"{each:.0f}" for each in _some(found.memory_mb)]
    for name, done in (("alone", found.alone), ("beside it", found.beside)):
        is_beside = done is found.beside
        latency = f"{name}: {done.p50_ms:.1f}, {done.p95_ms:.1f}, {done.p99_ms:.1f}"
        first = [
            f"{found.rows:,}",
            f"{found.rate:,.0f}",
            f"{sum(found.cpu_us.values()):.0f}",
            " ".join(memory),
        ]
        table.add_row(*(first if is_beside else [""] * 4), latency)
    console.print(table)
    shares = sorted(found.cpu_us.items(), key=lambda each: -each[1])
    console.print(", ".join(f"{name} {us:.0f} µs" for name, us in shares if us >= 1))
    save("campaign", machine, found=found, rows=rows)


def _measure(served: Served, work: Path, rows: int) -> Found:
    upload = _upload(served, _write_list(work / "list.csv", rows))
    others = _others(served)
    http_load.run(msgspec.structs.replace(others, seconds=1.0))  # warm
    alone = checked(http_load.run(others))
    memory: list[float] = []
    begun, before = time.monotonic(), _ticks(served)
    asked = {"from": "Shop <orders@bench.example>", "templateId": "order", "uploadId": upload}
    made = _ask(served, "POST", PATH, asked)
    beside: list[Done] = []
    loading = threading.Thread(target=lambda: beside.append(http_load.run(others)))
    loading.start()
    until = begun + WITHIN_S
    while True:
        shown = _ask(served, "GET", f"{PATH}/{made['transactionId']}")
        memory.append(_memory_mb(served))
        if shown["progress"]["isRead"]:
            break
        if shown["status"] == "failed" or time.monotonic() > until:
            raise BenchError(f"the campaign does not come to its end: {shown}")
        time.sleep(0.2)
    seconds = time.monotonic() - begun
    spent = {name: after - before.get(name, 0) for name, after in _ticks(served).items()}
    loading.join()
    if shown["progress"]["accepted"] != rows:
        raise BenchError(f"{shown['progress']} of {rows} rows")
    return Found(
        rows=rows,
        seconds=seconds,
        cpu_us={name: ticks * TICK_S * 1e6 / rows for name, ticks in spent.items()},
        memory_mb=memory,
        alone=alone,
        beside=checked(beside[0]),
    )


def _publish(served: Served) -> None:
    """4 KB, in text and HTML."""
    line = (
        "Your order {{ order }} has left our house and will be with you in {{ city }} on Tuesday."
    )
    row = "<tr><td>{{ order }}</td><td>{{ city | upper }}</td></tr>"
    parts = {
        "subject": "Your order {{ order }} has left our house",
        "text": "Dear {{ first_name }},\n" + f"{line}\n" * 16,
        "html": "<html><body><p>Dear {{ first_name }},</p>"
        + f"<p>{line}</p>" * 24
        + "<table>{% for each in [1, 2, 3] %}"
        + row
        + "{% endfor %}</table></body></html>",
    }
    version = {"parts": parts, "publish": True}
    _ask(served, "POST", "/v1/templates", {"alias": "order", "version": version})


def _others(served: Served) -> Work:
    """Mail that waits for years: its acceptance alone is measured."""
    body = json.dumps(mail(sendAt="2035-01-01T00:00:00Z"))
    return Work(
        port=served.port,
        path="/v1/send",
        key=served.key,
        body=body,
        seconds=LOAD_S,
        rate=LOAD_PER_S,
    )


def _write_list(path: Path, rows: int) -> Path:
    with path.open("w") as file:
        file.write("email,first_name,city,order\n")
        for at in range(rows):
            file.write(f"customer{at}@sink.test,Name{at % 997},Town {at % 89},{at:08}\n")
    return path


def _upload(served: Served, path: Path) -> str:
    size = path.stat().st_size
    made = _ask(served, "POST", "/v1/uploads", {"filename": path.name, "size": size})
    with path.open("rb") as file:
        request = urllib.request.Request(made["url"], data=file, method="PUT")
        request.add_header("Content-Length", str(size))
        request.add_header("Content-Type", "application/octet-stream")
        with urllib.request.urlopen(request, timeout=600) as answer:
            answer.read()
    return str(made["uploadId"])


def _ask(served: Served, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.port}{path}",
        data=data,
        method=method,
        headers={"X-API-Key": served.key, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise BenchError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from None


def _ticks(served: Served) -> Mapping[str, int]:
    """Of each kind of process, by its name; what has ended is one."""
    found = {"ended": sum(cpu_ticks(served.roots))}
    for pid in tree(served.roots):
        name = _name(command_line(pid))
        ticks = sum(process_ticks(pid))
        found[name] = found.get(name, 0) + ticks
        found["ended"] -= ticks
    return found


def _name(words: Sequence[str]) -> str:
    """Return the role, or what else it is: the module that it runs; the renderer's workers run none."""
    modules = [after for word, after in itertools.pairwise(words) if word == "-m"]
    if modules == ["angarium.service.role"]:
        return words[words.index("angarium.service.role") + 1]
    return "renderer" if not modules else {"angarium": "supervisor"}.get(modules[0], modules[0])


def _memory_mb(served: Served) -> float:
    """Of the process that takes campaigns on."""
    for pid in tree(served.roots):
        try:
            if b"\0campaigns\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                words = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
                return int(words[words.index("Anonymous:") + 1]) / 1024
        except OSError:
            continue
    return 0.0


def _some(values: Sequence[float]) -> Sequence[float]:
    """Return eight of them, from the first to the last."""
    step = max(1, (len(values) - 1) // 7)
    return [*values[::step][:7], values[-1]]


@contextmanager
def _angarium(parent: Path) -> Iterator[tuple[Served, Path]]:
    folder = work_folder(parent, "campaign")
    try:
        with OwnSink() as sink:
            peer = AngariumPeer(folder, sink.port, Setup(), more=API + AHEAD)
            try:
                postmaster(peer, "domain", "add", "bench.example", "--assume-verified")
                key = json.loads(postmaster(peer, "key", "create", "--rate", str(RATE)))["key"]
                served = Served(port=peer.http, key=key, roots=peer.roots())
                _publish(served)
                yield served, folder
            finally:
                peer.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""``bin/bench api``: mail handed over by HTTP, beside Postfix behind a small web application."""

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.table import Table

from bench import http_load
from bench.angarium_peer import POSTMASTER, AngariumPeer, Setup
from bench.errors import BenchError, PeerAbsent
from bench.http_load import TOP, Done, Work
from bench.machine import describe
from bench.peer import work_folder
from bench.ports import free_port, wait_for_listener
from bench.postfix_peer import POSTFIX, PostfixPeer
from bench.private_postfix import find_postfix
from bench.processes import TICK_S, cpu_ticks
from bench.report import console, print_machine, save
from bench.sinks import OwnSink

SETTLED_AT: Final = "2035-01-01T00:00:00Z"
RATE: Final = 1_000_000
API: Final = f"\n[api]\nrequests_per_second = {RATE}\n"


class Served(msgspec.Struct, frozen=True, kw_only=True):
    port: int
    key: str = ""
    roots: Sequence[int]  # the pids whose trees are the whole system


def run(folder: Path, seconds: float, batch: int) -> None:
    machine = describe(folder)
    print_machine(machine)
    found: dict[str, dict[str, Any]] = {}
    with _angarium(folder) as served:
        # What waits for years costs nothing now: acceptance alone
        found["Angarium, accepting"] = _send(served, seconds, sendAt=SETTLED_AT)
        found[f"Angarium, batches of {batch}"] = _batch(served, seconds, batch)
        found["Angarium, looking a status up"] = _status(served, seconds)
        found["Angarium, accepting and delivering, signed"] = _send(served, seconds)
    try:
        with _postfix(folder) as served:
            found["Postfix behind a web application"] = _send(served, seconds)
    except PeerAbsent as error:
        console.print(f"without {POSTFIX.name}: {error}")
    _print(found, batch)
    save("api", machine, found=found, batch=batch, seconds=seconds)


def mail(**more: Any) -> dict[str, Any]:
    """4 KB, in text and HTML."""
    line = "Your order 1234 has left our house and will be with you on Tuesday."
    return {
        "from": "Shop <orders@bench.example>",
        "to": ["customer@sink.test"],
        "subject": "Your order has left our house",
        "bodyText": f"{line}\n" * 20,
        "bodyHtml": "<html><body>" + f"<p>{line}</p>" * 36 + "</body></html>",
        "metadata": {"orderId": "1234"},
        "tags": {"type": "receipt"},
        **more,
    }


def _send(served: Served, seconds: float, **more: Any) -> dict[str, Any]:
    body = json.dumps(mail(**(more if served.key else {})))
    work = Work(port=served.port, path="/v1/send", key=served.key, body=body, seconds=seconds)
    return _most_and_half(served, work)


def _batch(served: Served, seconds: float, size: int) -> dict[str, Any]:
    body = json.dumps({"messages": [mail(sendAt=SETTLED_AT)] * size})
    work = Work(
        port=served.port,
        path="/v1/batch_send",
        key=served.key,
        body=body,
        seconds=seconds,
        connections=4,
    )
    return _most(served, work)


def _status(served: Served, seconds: float) -> dict[str, Any]:
    """Of one message, among all that were accepted before."""
    listing = _request(served.port, "/v1/emails?limit=1", served.key)
    with urllib.request.urlopen(listing, timeout=60) as answer:
        email_id = json.load(answer)["emails"][0]["emailId"]
    path = f"/v1/status/{email_id}"
    work = Work(method="GET", port=served.port, path=path, key=served.key, seconds=seconds)
    return _most_and_half(served, work)


def _most_and_half(served: Served, work: Work) -> dict[str, Any]:
    http_load.run(_changed(work, seconds=1.0))  # warm
    found = _most(served, work)
    half = checked(http_load.run(_changed(work, rate=found["most"].per_s / 2)))
    return {**found, "half": half}


def _most(served: Served, work: Work) -> dict[str, Any]:
    """As fast as it goes, and the processor time of each request, which is nearly the same on a busy machine."""
    before = sum(cpu_ticks(served.roots))
    most = checked(http_load.run(work))
    ticks = sum(cpu_ticks(served.roots)) - before
    return {"most": most, "cpu_ms": ticks * TICK_S * 1000 / most.answered}


def _request(port: int, path: str, key: str) -> urllib.request.Request:
    return urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"X-API-Key": key})


def _changed(work: Work, **more: Any) -> Work:
    fields = {name: getattr(work, name) for name in work.__struct_fields__}
    return Work(**{**fields, **more})


def checked(done: Done) -> Done:
    if done.refused or not done.answered:
        raise BenchError(f"{done.refused} requests were refused, {done.answered} answered")
    return done


@contextmanager
def _angarium(parent: Path) -> Iterator[Served]:
    folder = work_folder(parent, "api")
    try:
        with OwnSink() as sink:
            peer = AngariumPeer(folder, sink.port, Setup(), more=API)
            try:
                postmaster(peer, "domain", "add", "bench.example", "--assume-verified")
                key = json.loads(postmaster(peer, "key", "create", "--rate", str(RATE)))["key"]
                yield Served(port=peer.http, key=key, roots=peer.roots())
            finally:
                peer.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def postmaster(peer: AngariumPeer, *words: str) -> bytes:
    return subprocess.run(
        [POSTMASTER, *words, "--json", "--config", peer.config], capture_output=True, check=True
    ).stdout


@contextmanager
def _postfix(parent: Path) -> Iterator[Served]:
    find_postfix()
    folder = work_folder(parent, "api-postfix")
    try:
        with OwnSink() as sink:
            postfix = PostfixPeer(folder, sink.port)
            port = free_port()
            app = subprocess.Popen(
                [sys.executable, "-m", "bench.mail_app", str(port), str(postfix.port)], cwd=TOP
            )
            try:
                wait_for_listener(port)
                yield Served(port=port, roots=(app.pid, *postfix.roots()))
            finally:
                app.terminate()
                app.wait(20)
                postfix.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _print(found: dict[str, dict[str, Any]], batch: int) -> None:
    columns = ("system", "requests/s", "messages/s", "CPU ms a message", "p50 ms", "p95 ms")
    table = Table(*columns, "at half: p50", "p95", "p99")
    for name, each in found.items():
        most, half = each["most"], each.get("half")
        size = batch if half is None else 1
        row = [name, f"{most.per_s:,.1f}", f"{most.per_s * size:,.0f}"]
        row += [f"{each['cpu_ms'] / size:.2f}", f"{most.p50_ms:.1f}", f"{most.p95_ms:.1f}"]
        if half is not None:
            row += [f"{half.p50_ms:.1f}", f"{half.p95_ms:.1f}", f"{half.p99_ms:.1f}"]
        table.add_row(*row)
    console.print(table)

"""``bin/bench api``: mail handed over by HTTP, beside Postfix behind a small web application."""

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

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
from bench.report import console, print_machine, save
from bench.sinks import OwnSink

SETTLED_AT: Final = "2035-01-01T00:00:00Z"
RATE: Final = 1_000_000
API: Final = f"\n[api]\nrequests_per_second = {RATE}\n"


def run(folder: Path, seconds: float, batch: int) -> None:
    machine = describe(folder)
    print_machine(machine)
    found: dict[str, dict[str, Done]] = {}
    with _angarium(folder) as (port, key):
        # What waits for years costs nothing now: acceptance alone
        found["Angarium, accepting"] = _send(port, key, seconds, sendAt=SETTLED_AT)
        found[f"Angarium, batches of {batch}"] = _batch(port, key, seconds, batch)
        found["Angarium, looking a status up"] = _status(port, key, seconds)
        found["Angarium, accepting and delivering, signed"] = _send(port, key, seconds)
    try:
        with _postfix(folder) as port:
            found["Postfix behind a web application"] = _send(port, "", seconds)
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


def _send(port: int, key: str, seconds: float, **more: Any) -> dict[str, Done]:
    if not key:
        more = {}
    work = Work(port=port, path="/v1/send", key=key, body=json.dumps(mail(**more)), seconds=seconds)
    http_load.run(_changed(work, seconds=1.0))  # warm
    most = _checked(http_load.run(work))
    half = _checked(http_load.run(_changed(work, rate=most.per_s / 2)))
    return {"most": most, "half": half}


def _batch(port: int, key: str, seconds: float, size: int) -> dict[str, Done]:
    body = json.dumps({"messages": [mail(sendAt=SETTLED_AT)] * size})
    work = Work(
        port=port, path="/v1/batch_send", key=key, body=body, seconds=seconds, connections=4
    )
    return {"most": _checked(http_load.run(work))}


def _status(port: int, key: str, seconds: float) -> dict[str, Done]:
    """Of one message, among all that were accepted before."""
    with urllib.request.urlopen(_request(port, "/v1/emails?limit=1", key), timeout=60) as answer:
        email_id = json.load(answer)["emails"][0]["emailId"]
    work = Work(method="GET", port=port, path=f"/v1/status/{email_id}", key=key, seconds=seconds)
    http_load.run(_changed(work, seconds=1.0))  # warm
    most = _checked(http_load.run(work))
    half = _checked(http_load.run(_changed(work, rate=most.per_s / 2)))
    return {"most": most, "half": half}


def _request(port: int, path: str, key: str) -> urllib.request.Request:
    return urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"X-API-Key": key})


def _changed(work: Work, **more: Any) -> Work:
    fields = {name: getattr(work, name) for name in work.__struct_fields__}
    return Work(**{**fields, **more})


def _checked(done: Done) -> Done:
    if done.refused or not done.answered:
        raise BenchError(f"{done.refused} requests were refused, {done.answered} answered")
    return done


@contextmanager
def _angarium(parent: Path) -> Iterator[tuple[int, str]]:
    folder = work_folder(parent, "api")
    try:
        with OwnSink() as sink:
            peer = AngariumPeer(folder, sink.port, Setup(), more=API)
            try:
                _postmaster(peer, "domain", "add", "bench.example", "--assume-verified")
                key = json.loads(_postmaster(peer, "key", "create", "--rate", str(RATE)))["key"]
                yield peer.http, key
            finally:
                peer.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postmaster(peer: AngariumPeer, *words: str) -> bytes:
    return subprocess.run(
        [POSTMASTER, *words, "--json", "--config", peer.config], capture_output=True, check=True
    ).stdout


@contextmanager
def _postfix(parent: Path) -> Iterator[int]:
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
                yield port
            finally:
                app.terminate()
                app.wait(20)
                postfix.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _print(found: dict[str, dict[str, Done]], batch: int) -> None:
    table = Table("system", "per second", "p50 ms", "p95 ms", "at half: p50", "p95", "p99")
    for name, each in found.items():
        most, half = each["most"], each.get("half")
        per_s = most.per_s * (batch if half is None else 1)
        row = [name, f"{per_s:,.0f}", f"{most.p50_ms:.1f}", f"{most.p95_ms:.1f}"]
        if half is not None:
            row += [f"{half.p50_ms:.1f}", f"{half.p95_ms:.1f}", f"{half.p99_ms:.1f}"]
        table.add_row(*row)
    console.print(table)

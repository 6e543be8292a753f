"""What goes where, asked of a running server: top, providers, sources, forecast, and their metrics."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import Product, good_session
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import TOP, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

SOURCES = """
[[source]]
name = "ip1"
address = "127.0.0.1"
ehlo = "out1.example.com"

[[pool]]
name = "default"
sources = [{ name = "ip1", weight = 3 }]
"""


@contextlib.contextmanager
def running(folder: Path, **options: Any) -> Iterator[Product]:
    product = Product(folder, more=SOURCES, **options)
    try:
        yield product
    finally:
        product.kill()


def ask(product: Product, *arguments: str, code: int = 0) -> Any:
    return json.loads(product.postmaster(*arguments, "--json", code=code))


def test_a_provider_that_defers_is_seen_by_every_command(tmp_path: Path) -> None:
    later = {b"RCPT": b"451 4.7.1 not now"}
    with (
        RecordingSink(replies=later) as sink,
        running(tmp_path, sink=sink.port, single=False, retry="[600]") as product,
    ):
        name = f"smtp://127.0.0.1:{sink.port}"
        for number in range(3):
            good_session(product.smtp[0], f"b{number}@example.net")
        for number in range(3):
            product.wait_for_disposition(event="deferred", recipient=f"b{number}@example.net")

        def row() -> Any:
            found = ask(product, "top", "--once")["providers"]
            return next((each for each in found if each["provider"] == name), None)

        wait_until(lambda: row() is not None and row()["queued"] == 3, 30)
        found = row()
        assert (found["held"], found["ten_minutes"]["deferred"]) == (0, 3)
        (source,) = found["sources"]
        assert (source["source"], source["minute"]["deferred"]) == ("ip1", 3)
        assert "3 (100 %)" in product.postmaster("top", "--once")

        (shown,) = ask(product, "providers", name)["providers"]
        limits = {each["key"]: each for each in shown["limits"]}
        assert (limits["connections"]["value"], limits["connections"]["origin"]) == (
            "20",
            "shipped",
        )
        assert (shown["queued"], shown["hour"]["deferred"]) == (3, 3)
        listed = {each["provider"]: each for each in ask(product, "providers")["providers"]}
        assert listed["gmail"]["mx_suffixes"] == [".google.com", ".googlemail.com"]
        assert listed[name]["queued"] == 3
        assert "last hour 0 sent, 3 deferred" in product.postmaster("providers", name)
        product.postmaster("providers", "nonsense", code=66)

        (out,) = ask(product, "sources")["sources"]
        assert (out["name"], out["address"], out["ehlo"]) == (
            *("ip1", "127.0.0.1", "out1.example.com"),
        )
        assert out["pools"] == [{"pool": "default", "weight": 3, "of": 3}]
        assert (out["ten_minutes"]["deferred"], out["health"]) == (3, "ok")
        assert "EHLO out1.example.com; pools default (3 of 3)" in product.postmaster("sources")

        told = ask(product, "forecast")
        (soon,) = told["providers"]
        assert (soon["provider"], soon["queued"], soon["bottleneck"]) == (name, 3, "provider")
        assert soon["takes_s"] is told["takes_s"] is None
        assert "over 90 days" in product.postmaster("forecast", "--provider", name)
        product.postmaster("forecast", "--provider", "nonsense", code=66)

        def metrics() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{product.http}/metrics") as answer:
                return str(answer.read().decode())

        labels = 'outcome="deferred",provider="other",source="ip1"'
        wait_until(lambda: f"angarium_path_recipients_total{{{labels}}} 3.0" in metrics(), 30)
        labels = 'provider="other",state="scheduled"'
        wait_until(lambda: f"angarium_provider_queue_recipients{{{labels}}} 3.0" in metrics(), 30)


def test_top_is_drawn_on_a_terminal_until_it_is_interrupted(tmp_path: Path) -> None:
    with RecordingSink() as sink, running(tmp_path, sink=sink.port) as product:
        good_session(product.smtp[0], "b@example.net")
        product.wait_for_disposition(event="relayed", recipient="b@example.net")
        assert "sent/min" in product.on_terminal("top", "--once")
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "angarium", "-c", str(product.config), "top"],
            stdout=theirs,
            cwd=tmp_path,
            # A test run in the background of a shell ignores it, and so would its children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            env={**os.environ, "PYTHONPATH": str(TOP), "TERM": "xterm", "COLUMNS": "150"},
        )
        try:
            os.close(theirs)
            drawn = b""
            while drawn.count(b"sent/min") < 2:
                drawn += os.read(ours, 65536)
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(OSError):  # EIO: it has closed its side
                while os.read(ours, 65536):
                    continue
            assert process.wait(30) == 0
        finally:
            # Or a test that takes too long would wait for it for ever
            process.kill()
            process.wait()
        os.close(ours)
        assert b"ip1" in drawn


def test_without_a_terminal_top_goes_on_line_by_line(tmp_path: Path) -> None:
    with RecordingSink() as sink, running(tmp_path, sink=sink.port) as product:
        good_session(product.smtp[0], "b@example.net")
        product.wait_for_disposition(event="relayed", recipient="b@example.net")
        with product.started("top", "--interval", "1s", "--json") as following:
            assert following.stdout is not None
            several = [json.loads(following.stdout.readline()) for _ in range(3)]
            following.terminate()
        assert all(each["providers"][0]["hour"]["delivered"] == 1 for each in several)


def test_without_a_server_there_is_nothing_to_tell(tmp_path: Path) -> None:
    with running(tmp_path) as product:
        assert ask(product, "forecast") == {"providers": [], "takes_s": 0.0}
        product.server.end()
        for command in ("top", "providers", "sources", "forecast"):
            assert product.postmaster(command, code=69) == ""

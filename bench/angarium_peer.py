"""Angarium, started as an operator would: a configuration file and ``bin/postmaster serve``."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from bench.errors import BenchError
from bench.peer import Candidate
from bench.ports import LOOPBACK, free_port

TOP: Final = Path(__file__).resolve().parent.parent
POSTMASTER: Final = TOP / "bin/postmaster"
CONCURRENCY: Final = 50  # as Postfix is given
SHAPING: Final = """\
message_rate = "1000000/s"
connection_rate = "1000000/s"
tenant_message_rate = "1000000/s"
"""
REFERENCES: Final = """
[[listener]]
kind = "inbound"
address = "127.0.0.1:{port}"
[listener.limits]
messages_per_connection = 1000000
[feedback]
return_path_domain = "bounces.example.com"
feedback_addresses = ["fbl@example.com"]
[breaker]
enabled = false  # a storm of complaints would have the sender paused
"""
TRACKING: Final = """
[tracking]
host = "t.example.com"
opens = true
clicks = true
"""
# What is made of events: the mail log only; counters and the history, as by default; the lake, too; and traces
Made = Literal["log", "usual", "lake", "traces"]
MADE: Final[Mapping[Made, str]] = {
    "log": '[history]\nof = "none"\n[analytics]\ncounts = false\n',
    "usual": "",
    "lake": "[lake]\nenabled = true\n",
    "traces": '[lake]\nenabled = true\n[tracing]\nendpoint = "http://{host}:{port}/v1/traces"\n',
}
NAMES: Final[Mapping[Made, str]] = {
    "log": "only the mail log",
    "usual": "",
    "lake": "with a lake",
    "traces": "with a lake and all traces",
}
EMPTY: Final[Mapping[str, str]] = MappingProxyType({})


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """How it is run."""

    single: bool = False
    delivery_processes: int = 1
    dkim_key: Path | None = None  # signs for example.com
    dkim_threads: int = 4
    shaped: bool = False  # every rate is asked for each message, and far above what is reached
    referenced: bool = False  # each message carries signed references to itself
    tracked: bool = False  # opens and clicks of each message are counted
    made: Made = "usual"  # of events

    @property
    def name(self) -> str:
        form = "one process" if self.single else f"2 ingress + {self.delivery_processes} delivery"
        named = {"shaped": self.shaped, "referenced": self.referenced, "tracked": self.tracked}
        traits = "".join(f", {name}" for name, has in named.items() if has)
        traits += f", {NAMES[self.made]}" if NAMES[self.made] else ""
        return f"Angarium, {form}{traits}"


def angarium(setup: Setup) -> Candidate:
    return Candidate(setup.name, lambda: partial(AngariumPeer, setup=setup))


class AngariumPeer:
    """Ready when made; ``stop`` drains it. ``folder`` holds the configuration and the queue."""

    def __init__(
        self,
        folder: Path,
        sink_port: int,
        setup: Setup,
        environment: Mapping[str, str] = EMPTY,
        more: str = "",
    ) -> None:
        """``more``: further tables of its configuration."""
        self.port = free_port()
        self._folder = folder
        self.http = free_port()
        self.inbound = free_port()  # where reports come in, if messages are referenced
        self.collector = free_port()
        self._collector: subprocess.Popen[bytes] | None = None
        if setup.made == "traces":
            command = [sys.executable, "-m", "bench.collector", str(self.collector)]
            self._collector = subprocess.Popen(command, cwd=TOP)
        self.config = write_config(
            folder,
            setup,
            sink_port=sink_port,
            smtp_port=self.port,
            http_port=self.http,
            inbound_port=self.inbound,
            collector_port=self.collector,
        )
        with self.config.open("a") as file:
            file.write(more)
        serve: list[str | Path] = [POSTMASTER, "serve", "--config", self.config]
        serve += ["--single"] if setup.single else []
        self.started = time.monotonic()
        with (folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                serve,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._process.kill()
            self._process.wait()
            if self._collector is not None:
                self._collector.kill()
            raise

    def waiting_reports(self) -> int:
        """Return how many mails that came back were not read yet."""
        url = f"http://{LOOPBACK}:{self.http}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("angarium_reports_waiting "):
                    return int(float(line.partition(" ")[2]))
        raise BenchError("the server does not say how many reports wait")

    def roots(self) -> Sequence[int]:
        return (self._process.pid,)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        if self._collector is not None:
            self._collector.kill()
            self._collector.wait()
        try:
            code = self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise BenchError(f"Angarium did not end on SIGTERM within 60 s{self._log()}") from None
        if code:
            raise BenchError(f"Angarium ended with {code}{self._log()}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise BenchError(f"Angarium ended at once{self._log()}")
            try:
                urllib.request.urlopen(f"http://{LOOPBACK}:{self.http}/readyz", timeout=2).close()
                return
            except (OSError, urllib.error.URLError):
                time.sleep(0.05)
        raise BenchError(f"Angarium is not ready after 30 s{self._log()}")

    def _log(self) -> str:
        text = (self._folder / "serve.log").read_text(errors="replace")
        return f":\n{text[-3000:]}" if text else ""


def write_config(
    folder: Path,
    setup: Setup,
    *,
    sink_port: int,
    smtp_port: int,
    http_port: int,
    inbound_port: int = 0,
    collector_port: int = 0,
) -> Path:
    """Write ``angarium.toml`` by the interface that ARCHITECTURE section 9 fixes."""
    keys = ""
    if setup.dkim_key is not None:
        entry = (
            f'domain = "example.com", selector = "bench", file = {json.dumps(str(setup.dkim_key))}'
        )
        keys = f"[dkim]\nkeys = [{{ {entry} }}]\nthreads = {setup.dkim_threads}\n"
    text = f"""\
[server]
hostname = "angarium.test"
data_dir = {json.dumps(str(folder / "data"))}
ingress_processes = 2
delivery_processes = {setup.delivery_processes}

[[listener]]
kind = "submission"
address = "{LOOPBACK}:{smtp_port}"
tls = "none"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]
[listener.limits]
messages_per_connection = 1000000

[[listener]]
kind = "http"
address = "{LOOPBACK}:{http_port}"

[[route]]
domain = "*"
via = "smtp://{LOOPBACK}:{sink_port}"

[[provider]]
name = "smtp://{LOOPBACK}:{sink_port}"
connections = {CONCURRENCY}
messages_per_connection = 1000000
{SHAPING if setup.shaped else ""}

{keys}{REFERENCES.format(port=inbound_port) if setup.referenced else ""}
{TRACKING if setup.tracked else ""}
{MADE[setup.made].format(host=LOOPBACK, port=collector_port)}"""
    path = folder / "angarium.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path

"""The whole server as processes that can be killed one by one. Its log goes to a file, so that it outlives them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from angarium.routing.placement import partition_of
from angarium.routing.site_name import smart_host_site_name
from tests.faults.ledger import DOMAINS

TOP = Path(__file__).parents[2]
READY_S = 30.0
SMTP_PORT, HTTP_PORT = 2525, 8080
DNS_PORT = 5353
DELIVERY_PROCESSES = 2
PARTITIONS = 16

CONFIG = """
[server]
hostname = "mx1.example.com"
data_dir = "{data_dir}"
ingress_processes = {ingress}
delivery_processes = {delivery_processes}
drain_s = 8.0

[[listener]]
kind = "submission"
address = "{host}:{smtp}"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]
{limits}

[[listener]]
kind = "http"
address = "{host}:{http}"

{routes}

[delivery]
retry_s = [0.3]
greylist_retry_s = [0.3]
poll_s = 0.2
tls = "off"
{delivery}

[delivery.timeouts]
connect_s = 2.0
banner_s = 2.0
command_s = 2.0
data_s = 2.0
block_s = 2.0
final_dot_s = 2.0
quit_s = 1.0

[queue]
partitions = {partitions}
event_retention_s = 86400.0
{queue}

{more}
"""


def sink_ports(host: str) -> tuple[int, ...]:
    """Return four ports whose sites belong to the delivery processes in turn: each of them has work."""
    ports: list[int] = []
    port = 2600
    while len(ports) < 4:
        port += 1
        name = smart_host_site_name(False, "", host, port)
        if partition_of(name, PARTITIONS) % DELIVERY_PROCESSES == len(ports) % DELIVERY_PROCESSES:
            ports.append(port)
    return tuple(ports)


def smart_host_routes(host: str) -> str:
    """Routes of all domains over the sink's ports."""
    ports = sink_ports(host)
    return "\n".join(
        f'[[route]]\ndomain = "{domain}"\nvia = "smtp://{host}:{ports[each % len(ports)]}"\n'
        for each, domain in enumerate(DOMAINS)
    )


class Server:
    """``postmaster serve`` started again and again on one data directory and the same addresses."""

    def __init__(
        self,
        directory: Path,
        host: str,
        *,
        single: bool = False,
        ingress: int = 1,
        routes: str,
        data_dir: Path | None = None,
        wrap: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        **settings: str,
    ) -> None:
        """``wrap``: a command that runs ours; ``settings``: lines of TOML for delivery, queue, limits, more."""
        self.host = host
        self.data_dir = data_dir or directory / "data"
        self.log = directory / "server.log"
        self.config = directory / "angarium.toml"
        self.is_single = single
        self.wrap = tuple(wrap)
        self.restarts = 0
        self._environment = {**os.environ, "PYTHONPATH": str(TOP), **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None
        tables = {"limits": "", "delivery": "", "queue": "", "more": "", **settings}
        self.config.write_text(
            CONFIG.format(
                data_dir=self.data_dir,
                ingress=ingress,
                delivery_processes=DELIVERY_PROCESSES,
                partitions=PARTITIONS,
                host=host,
                smtp=SMTP_PORT,
                http=HTTP_PORT,
                routes=routes,
                **tables,
            )
        )

    def command(self, *arguments: str) -> list[str]:
        return [*self.wrap, sys.executable, "-m", "angarium", *arguments]

    def start(self) -> None:
        assert self.process is None
        single = ["--single"] if self.is_single else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve", "--config", str(self.config), *single),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        self.restarts += 1

    async def start_and_wait(self) -> None:
        self.start()
        await self.wait_ready()

    async def wait_ready(self, timeout_s: float = READY_S) -> None:
        """Wait until /readyz says so."""
        until = time.monotonic() + timeout_s
        answer = ""
        while time.monotonic() < until:
            assert self.process is not None
            assert self.process.poll() is None, self.log_tail()
            answer = await self.get("/readyz")
            if " 200 " in answer[:20]:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"not ready within {timeout_s} s: {answer} {self.log_tail()}")

    async def get(self, path: str) -> str:
        """Return the whole HTTP answer, or nothing if there is none."""
        try:
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(self.host, HTTP_PORT)
                try:
                    writer.write(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
                    return (await reader.read()).decode()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return ""

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def children(self) -> dict[str, int]:
        """Return the processes of the roles by slot name."""
        found = {}
        for pid in _children_of(self.pid):
            words = _command_line(pid)
            if "angarium.service.role" in words:
                at = words.index("angarium.service.role")
                found["-".join(words[at + 1 : at + 3])] = pid
        return found

    def kill_all(self) -> None:
        """SIGKILL to the supervisor and all its processes, as near to one instant as can be."""
        assert self.process is not None
        for pid in (self.pid, *_children_of(self.pid)):
            _kill(pid)
        self._reap()

    def kill_supervisor(self) -> None:
        """Only the supervisor; its processes find out by themselves."""
        self.process_or_fail().kill()
        self._reap()

    def kill_child(self, slot: str) -> int | None:
        """Kill a role's process; returns its id, None if it is not running now."""
        pid = self.children().get(slot)
        if pid is not None:
            _kill(pid)
        return pid

    async def stop(self) -> None:
        """SIGTERM, and all of it has to be gone in time, with exit code 0."""
        process = self.process_or_fail()
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 40)
        self.process = None
        assert code == 0, (code, self.log_tail())

    def process_or_fail(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        return self.process

    def close(self) -> None:
        if self.process is not None:
            self.kill_all()

    def _reap(self) -> None:
        process = self.process_or_fail()
        process.kill()
        process.wait(20)
        self.process = None

    def log_lines(self) -> list[dict[str, Any]]:
        """Return all lines; what is not JSON comes as an error line: nothing else may be written there."""
        lines: list[dict[str, Any]] = []
        for raw in self.log.read_bytes().splitlines():
            try:
                lines.append(json.loads(raw))
            except ValueError:
                lines.append({"level": "error", "event": "not JSON", "text": raw.decode()})
        return lines

    def log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""


def _children_of(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return

"""A server, its clients and its sink together, and the audit of what became of each acknowledged recipient."""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.faults.injector import Injector
from tests.faults.ledger import Ledger
from tests.faults.server import SMTP_PORT, TOP, Server, sink_ports, smart_host_routes
from tests.faults.sink import Sink

INSPECT = TOP / "tests" / "faults" / "inspect_queue.py"
DRAIN_S = 60.0
FINAL = {"delivered", "relayed", "bounced", "expired", "cancelled"}
SEED = int(os.environ.get("SEED", "1"))


def rounds(default: int) -> int:
    return int(os.environ.get("ROUNDS", default))


def loopback_address(seed: int) -> str:
    """An address that no other process of this machine's tests listens on: ports can then be fixed."""
    pid = os.getpid()
    return f"127.{64 + seed % 64}.{pid >> 8 & 255}.{max(1, pid & 255)}"


def sink_address(seed: int) -> str:
    """Another one: an MX host at our own address would be a loop."""
    _, second, rest = loopback_address(seed).split(".", 2)
    return f"127.{int(second) + 64}.{rest}"


class Harness:
    """Start with ``run_harness``; ``finish`` is the judgement."""

    def __init__(self, server: Server, seed: int, directory: Path) -> None:
        self.server = server
        self.chance = random.Random(seed)
        self.ledger = Ledger(directory / "acknowledged", random.Random(seed + 1))
        self.sink = Sink(
            sink_address(seed), sink_ports(sink_address(seed)), random.Random(seed + 2)
        )
        self.outside = Path("/")  # below it the server's own files are seen from here
        self.injectors: list[Injector] = []
        self._tasks: list[asyncio.Task[None]] = []

    def load(self, per_second: float = 200, clients: int = 4, octets: int = 0) -> None:
        """Begin to send."""
        for _ in range(clients):
            injector = Injector(self.server.host, SMTP_PORT, self.ledger, per_second / clients)
            injector.octets = octets
            self.injectors.append(injector)
            self._tasks.append(asyncio.create_task(injector.run()))

    async def unload(self) -> None:
        """End the load; each client first hears of the message it has sent."""
        for injector in self.injectors:
            injector.stop.set()
        tasks, self._tasks = self._tasks, []
        self.injectors.clear()
        await asyncio.gather(*tasks)

    async def until(
        self, condition: Callable[[], bool], what: str, timeout_s: float = DRAIN_S
    ) -> None:
        until = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < until, f"{what}: not within {timeout_s} s; {self.state()}"
            for task in self._tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.01)

    async def until_acknowledged(self, more: int, timeout_s: float = DRAIN_S) -> None:
        """Wait until ``more`` further recipients have been acknowledged."""
        wanted = len(self.ledger.acknowledged) + more
        await self.until(
            lambda: len(self.ledger.acknowledged) >= wanted, f"{more} acknowledged", timeout_s
        )

    def state(self) -> str:
        return (
            f"{len(self.ledger.acknowledged)} recipients acknowledged, {self.ledger.refused} refused,"
            f" {len(self.sink.received)} at the sink, {self.server.restarts} starts;"
            f" log: {self.server.log_tail()}"
        )

    async def inspect(self, *arguments: str) -> dict[str, Any]:
        """Return what is in the queue now."""
        command = [sys.executable, str(INSPECT), str(self.server.data_dir / "queue"), *arguments]
        return json.loads(await self._output(*self.server.wrap, *command))

    async def listed(self) -> dict[str, Any]:
        """Return what ``postmaster queue list`` says."""
        command = self.server.command(
            *("queue", "list", "--config", str(self.server.config)), "--json", "--limit", "100000"
        )
        return json.loads(await self._output(*command))

    async def suppressions(self) -> list[dict[str, Any]]:
        """Return what ``postmaster suppress export`` says."""
        command = self.server.command(
            *("suppress", "export", "--config", str(self.server.config)), "--json"
        )
        return [json.loads(line) for line in (await self._output(*command)).splitlines()]

    async def _output(self, *command: str) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "PYTHONPATH": str(TOP)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await process.communicate()
        assert process.returncode == 0, error.decode()
        return out

    def mail_log(self) -> list[dict[str, Any]]:
        raw = self.server_file("mail.log").read_bytes()
        return [json.loads(line) for line in raw.splitlines()]

    def server_file(self, name: str) -> Path:
        """A file of the data directory, as seen from here."""
        return self.outside / (self.server.data_dir / name).relative_to("/")

    async def drained(self, timeout_s: float = DRAIN_S) -> dict[str, Any]:
        """Wait until the queue is empty, and return what an inspection then says."""
        ledger, sink = self.ledger, self.sink
        missing = set(ledger.acknowledged)
        until = time.monotonic() + timeout_s
        while missing and time.monotonic() < until:
            missing = {each for each in missing if each not in sink.received}
            await asyncio.sleep(0.02)
        while True:
            found = await self.inspect()
            if not any(found["counts"].values()):
                return found
            missing = {each for each in ledger.acknowledged if each not in sink.received}
            lost = [each for each in missing if each not in found["recipients"]]
            assert not lost, f"acknowledged, but neither at the sink nor queued: {lost[:5]}"
            assert time.monotonic() < until, f"not drained: {found['counts']}; {self.state()}"
            await asyncio.sleep(0.2)

    async def finish(
        self, *, errors: Collection[str] = (), stuck: int = 0, killed: bool = True
    ) -> None:
        """Drain, stop, and hold everything against the ledger. ``errors``: events that may be logged as such."""
        await self.unload()
        self.sink.troubles = ()
        found = await self.drained()
        assert found["stale_readers"] == 0
        await self.server.stop()
        self.audit(errors=errors, killed=killed)
        assert len(self.ledger.stuck) <= stuck

    def audit(self, *, errors: Collection[str], killed: bool) -> None:
        """Of a server that has stopped with an empty queue."""
        ledger, sink = self.ledger, self.sink
        lost = [each for each in ledger.acknowledged if each not in sink.received]
        assert not lost, f"{len(lost)} lost: {lost[:5]}"
        assert not sink.damaged, sink.damaged[:5]
        records = self.mail_log()
        in_doubt = Counter(each["recipient"] for each in records if each["event"] == "in_doubt")
        again = {
            recipient: count
            for recipient, count in sink.received.items()
            if count > 1 + in_doubt[recipient] + sink.unanswered[recipient]
        }
        assert not again, (
            f"{len(again)} more than once without doubt: {dict(list(again.items())[:5])}"
        )
        if not killed:
            assert not in_doubt, f"in doubt, and nothing was killed: {list(in_doubt)[:5]}"
        self._audit_mail_log(records)
        unexpected = [
            line
            for line in self.server.log_lines()
            if line["level"] == "error" and line["event"] not in errors
        ]
        assert not unexpected, unexpected[:5]

    def _audit_mail_log(self, records: list[dict[str, Any]]) -> None:
        """Hold the history against the ledger: no line missing or twice, one end for each recipient."""
        sequences = [each["sequence"] for each in records]
        assert sequences == list(range(1, len(sequences) + 1)), "lines of the mail log are missing"
        accepted = {each["message"] for each in records if each["event"] == "accepted"}
        unknown = set(self.ledger.acknowledged.values()) - accepted
        assert not unknown, f"acknowledged, but not in the mail log: {list(unknown)[:5]}"
        ends = Counter(each["recipient"] for each in records if each["event"] in FINAL)
        assert set(ends.values()) <= {1}, "a recipient with two ends"
        odd = {each["event"] for each in records if each["event"] in FINAL} - {
            "relayed",
            "delivered",
        }
        assert not odd, f"nothing was to be {odd}"
        assert set(ends) == set(self.sink.received), "the mail log and the sink do not agree"


@asynccontextmanager
async def run_harness(
    directory: Path, seed: int, *, start: bool = True, **options: Any
) -> AsyncIterator[Harness]:
    """Have a server (see ``Server``) with its sink, started and ready; nothing of it is left behind."""
    host = loopback_address(seed)
    routes = options.pop("routes", smart_host_routes(sink_address(seed)))
    server = Server(directory, host, routes=routes, **options)
    harness = Harness(server, seed, directory)
    await harness.sink.start()
    try:
        if start:
            await server.start_and_wait()
        yield harness
    finally:
        for task in harness._tasks:
            task.cancel()
        await asyncio.gather(*harness._tasks, return_exceptions=True)
        server.close()
        await harness.sink.stop()
        harness.ledger.close()

"""A real server in child processes, watched through its JSON log."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[2]
CONFIG = """
[server]
hostname = "mx1.example.com"
data_dir = "data"
drain_s = {drain_s}
{server}

[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]

[[listener]]
kind = "http"
address = "127.0.0.1:0"

[[route]]
domain = "*"
via = "smtp://127.0.0.1:{smart_host}"

[delivery]
retry_s = [{retry_s}]
poll_s = 0.2
{more}
"""


class Server:
    """``postmaster serve`` as a process of its own."""

    def __init__(
        self,
        config: Path,
        *arguments: str,
        environment: dict[str, str],
        python: str = sys.executable,
        module: str = "angarium",
    ) -> None:
        self.config = config
        self.lines: list[dict[str, Any]] = []
        self.other: list[str] = []  # what is not JSON: a defect, or a message for people
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [python, "-m", module, "serve", "--config", str(config), *arguments],
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(TOP), **environment},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for raw in self.process.stderr:
            with self._changed:
                try:
                    self.lines.append(json.loads(raw))
                except ValueError:
                    self.other.append(raw.decode(errors="replace"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(
        self, event: str, after: int = 0, timeout: float = 30, **ids: Any
    ) -> dict[str, Any]:
        """Return the first line with this event and these ids, behind the first ``after`` lines."""

        def find() -> dict[str, Any] | None:
            for line in self.lines[after:]:
                if line["event"] == event and all(line.get(k) == v for k, v in ids.items()):
                    return line
            return None

        with self._changed:
            self._changed.wait_for(
                lambda: find() is not None or not self._reader.is_alive(), timeout=timeout
            )
            found = find()
            assert found is not None, (event, ids, self.lines[-20:], self.other)
            return found

    def ports(self) -> tuple[int, int]:
        """Of submission and HTTP."""
        addresses = self.wait_for("ready")["addresses"]
        smtp, http = (int(each.rpartition(":")[2]) for each in addresses)
        return smtp, http

    def pid_of(self, slot: str) -> int:
        return int(self.wait_for("process_ready", slot=slot)["child"])

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, timeout: float = 30) -> int:
        """Stop it and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def close(self) -> None:
        self._reader.join(10)
        assert self.process.stderr is not None
        self.process.stderr.close()


StartServer = Callable[..., Server]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(condition: Callable[[], bool], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)

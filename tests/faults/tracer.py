"""A fault at the n-th system call of a running process, by strace."""

import asyncio
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ATTACH_S = 10.0

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


class Tracer:
    """Counts one kind of call in each thread of a process from now on; ``close`` lets go of it."""

    def __init__(self, pid: int, call: str, inject: str) -> None:
        """``inject``: signal=SIGKILL:when=3, error=EIO:when=1+ ... (strace(1), "Tampering")."""
        self.pid = pid
        self._process = subprocess.Popen(
            [
                *("strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid)),
                *("-e", f"trace={call}", "-e", f"inject={call}:{inject}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    async def attached(self) -> None:
        """Wait until every thread is traced; skips the test where that is not permitted."""
        until = time.monotonic() + ATTACH_S
        while time.monotonic() < until:
            if self._process.poll() is not None:
                _, error = self._process.communicate()
                if b"not permitted" in error:
                    pytest.skip(f"strace cannot trace here: {error.decode().strip()}")
                return  # the fault has happened already, and the process with it
            if all(_tracer(task) for task in Path(f"/proc/{self.pid}/task").glob("*")):
                return
            await asyncio.sleep(0.005)
        raise AssertionError("strace did not attach")

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.communicate()


def _tracer(task: Path) -> int:
    try:
        for line in (task / "status").read_text().splitlines():
            if line.startswith("TracerPid:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 1  # gone

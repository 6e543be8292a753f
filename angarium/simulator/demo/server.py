"""The server of the demo: its process from start to end."""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from pathlib import Path
from types import TracebackType

import aiohttp

from angarium.simulator.demo.configuration import Endpoints

READY_S = 30.0
POLL_S = 0.1
ONE_REQUEST = aiohttp.ClientTimeout(total=2)
STOP_S = 15.0  # more than server.drain_s below
PR_SET_PDEATHSIG = 1  # prctl(2)


class ServerError(Exception):
    """The server did not start, or did not stay."""


class PortTakenError(ServerError):
    """Someone else took a port between our choice and the server's start: choose anew."""


def choose_endpoints(*, memorable: bool) -> Endpoints:
    """Return free ports; ``memorable``: 2525 and 8025 if they are among these."""
    wanted = (2525, 8025) if memorable else (0, 0)
    return Endpoints(
        submission=_free_port(wanted[0]), http=_free_port(wanted[1]), inbound=_free_port(0)
    )


class DemoServer:
    """``async with DemoServer(...)``: started and ready inside, ended behind it, whatever happened."""

    def __init__(self, config: Path, log: Path, endpoints: Endpoints) -> None:
        self.config = config
        self.endpoints = endpoints
        self.exit_code: int | None = None
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "DemoServer":
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "angarium", "serve", "--config", str(self.config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a terminal's ^C reaches only us, and we stop it in order
                preexec_fn=_die_with_parent(),
                env=environment(),
            )
        try:
            await self._wait_until_ready()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def check(self) -> None:
        """Raises ServerError when the process is gone."""
        if self._process is not None and self._process.returncode is not None:
            code = self._process.returncode
            if code == os.EX_UNAVAILABLE and "port is in use" in self.last_words():
                raise PortTakenError("the server's ports were taken by others, again and again")
            raise ServerError(f"the server ended with exit code {code}")

    def last_words(self, lines: int = 15) -> str:
        """Return the end of its log."""
        text = self._log.read_text("utf-8", "replace") if self._log.exists() else ""
        return "\n".join(f"    {line[:500]}" for line in text.splitlines()[-lines:])

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL to the whole group when that takes too long or we are cancelled meanwhile."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            await self._end(process)
        except asyncio.CancelledError:  # a second Ctrl-C: no more patience
            _kill_group(process)
            raise

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                self.exit_code = await process.wait()
        except TimeoutError:
            _kill_group(process)
            self.exit_code = await process.wait()

    async def _wait_until_ready(self) -> None:
        url = f"{self.endpoints.web}/readyz"
        said = "no answer"
        try:
            async with (
                asyncio.timeout(READY_S),
                aiohttp.ClientSession(timeout=ONE_REQUEST) as session,
            ):
                while True:
                    self.check()
                    try:
                        async with session.get(url) as response:
                            if response.status == 200:
                                return
                            said = f"{response.status} {(await response.text())[:200]}"
                    except (aiohttp.ClientError, TimeoutError) as error:
                        said = str(error) or "no answer in time"
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise ServerError(f"not ready after {READY_S:g} s: {url}: {said}") from None


def _kill_group(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            chosen: int = probe.getsockname()[1]
            return chosen
    raise ServerError("no free port on 127.0.0.1")


def environment() -> dict[str, str]:
    top = str(Path(__file__).parents[3])
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{top}{os.pathsep}{path}" if path else top}


def _die_with_parent() -> "_PreExec | None":
    """Even a SIGKILL of the demo must not leave a server behind; elsewhere than on Linux it may."""
    return _PreExec() if sys.platform == "linux" else None


class _PreExec:
    def __init__(self) -> None:
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded before the fork

    def __call__(self) -> None:
        self._prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

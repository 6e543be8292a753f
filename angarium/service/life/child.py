"""One process of the server as its supervisor sees it: started, told, listened to, ended."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from angarium.service.life.control import (
    Beat,
    Failed,
    Order,
    Ready,
    ReloadAsked,
    Report,
    Start,
    frame,
    read_report,
)
from angarium.service.life.slot import Slot

HANG_S: Final = 60.0  # ours: an event loop that did not turn for so long never will
# Ours, as for /readyz: so long while the server stops, for others may wait for what a stopped process holds.
SILENT_S: Final = 6.0
TERM_S: Final = 2.0  # between the order to stop now and SIGKILL


# Of the language, the time zone, the linker, Python, OpenSSL and this program; no more than these
_NEEDED: Final = (
    *("PATH", "LANG", "LC_", "TZ", "TMPDIR", "LD_", "MALLOC_", "GLIBC_TUNABLES"),
    *("PYTHON", "SSL_CERT_", "OPENSSL_", "ANGARIUM_"),
)


class Child:
    """A spawned process: an exec of a fresh interpreter, never a fork that carries our memory."""

    def __init__(
        self, slot: Slot, process: subprocess.Popen[bytes], control: socket.socket
    ) -> None:
        self.slot = slot
        self.failed: Failed | None = None
        self.was_silent = False  # and was killed for it
        self._process = process
        self._control = control
        self._writer: asyncio.StreamWriter | None = None
        self._patience_s: float | None = None  # HANG_S
        self._listening: asyncio.Timeout | None = None
        self._waiting: list[Order] = []  # told before the connection was up

    @classmethod
    def spawn(cls, slot: Slot, start: Start, lock: int) -> "Child":
        """Start the process and hand it its order; it keeps ``lock`` open. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [
                    *(sys.executable, "-m", "angarium.service.role", slot.role, str(slot.index)),
                    *("--control", str(theirs.fileno())),
                ],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), start.clients, start.rates, lock, *start.listeners),
                env=_environment(start),
                start_new_session=True,  # a terminal's ^C reaches the supervisor only
            )
        child = cls(slot, process, ours)
        ours.settimeout(10)
        ours.sendall(frame(start))
        ours.setblocking(False)
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    async def run(
        self, on_ready: Callable[[], None], reload_asked: Callable[[int], None] = lambda _: None
    ) -> int:
        """Listen to the process until it ends; returns its exit status, negative for a signal.

        One whose event loop hangs is killed. Cancelled: it is killed too.
        """
        reader, self._writer = await asyncio.open_connection(sock=self._control)
        for order in self._waiting:
            self.tell(order)
        try:
            while True:
                match await self._next_report(reader):
                    case Ready():
                        on_ready()
                    case Failed() as failed:
                        self.failed = failed
                    case ReloadAsked(token=token):
                        reload_asked(token)
                    case Beat():
                        pass
                    case None:
                        break
            return await self._reap()
        except TimeoutError:
            self.was_silent = True
            return await self._reap()
        finally:
            self._writer.close()
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()

    async def _next_report(self, reader: asyncio.StreamReader) -> Report | None:
        """Raises TimeoutError: it hangs."""
        try:
            async with asyncio.timeout(self._patience_s or HANG_S) as self._listening:
                return await read_report(reader)
        finally:
            self._listening = None

    def tell(self, order: Order) -> None:
        """Send an order; does nothing when the process is gone."""
        if self._writer is None:
            self._waiting.append(order)
        elif not self._writer.is_closing():
            self._writer.write(frame(order))

    def lose_patience(self) -> None:
        """From now on it is killed once it says nothing for SILENT_S, as one that was stopped (SIGSTOP)."""
        self._patience_s = SILENT_S
        if self._listening is not None and not self._listening.expired():
            self._listening.reschedule(asyncio.get_running_loop().time() + SILENT_S)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()

    async def _reap(self) -> int:
        """Wait for the end of a process that closed its control or hangs; after a grace, kill it."""
        loop = asyncio.get_running_loop()
        fd = os.pidfd_open(self.pid)
        ended = asyncio.Event()
        loop.add_reader(fd, ended.set)
        try:
            async with asyncio.timeout(TERM_S):
                await ended.wait()
        except TimeoutError:
            self._process.kill()
        finally:
            loop.remove_reader(fd)
            os.close(fd)
        return self._process.wait()


def _environment(start: Start) -> dict[str, str]:
    """Ours, with the package findable as we found it: from a checkout it is on nobody's path.

    A process that drops privileges gets no more than it needs: others of its user can read it (L1).
    """
    top = str(Path(__file__).parents[3])
    path = os.environ.get("PYTHONPATH")
    return {
        **{key: value for key, value in os.environ.items() if _is_needed(key, start)},
        "PYTHONPATH": f"{top}{os.pathsep}{path}" if path else top,
        "PYTHONUNBUFFERED": "1",
    }


def _is_needed(key: str, start: Start) -> bool:
    if start.identity is None or key.startswith(_NEEDED):
        return True
    return any(key == route.password_env for route in start.config.route)

"""One process of the server as its supervisor sees it: started, told, listened to, ended."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from typing import Final

from angarium.service.life.control import (
    Beat,
    Failed,
    Order,
    Ready,
    ReloadAsked,
    Report,
    frame,
    read_report,
)
from angarium.service.life.nursery import Born, Descriptors, Nursery
from angarium.service.life.slot import Slot

HANG_S: Final = 60.0  # ours: an event loop that did not turn for so long never will
# Ours, as for /readyz: so long while the server stops, for others may wait for what a stopped process holds.
SILENT_S: Final = 6.0
TERM_S: Final = 2.0  # between the order to stop now and SIGKILL


class Child:
    """A process that a nursery has borne: never a fork that carries our memory."""

    def __init__(self, process: Born, control: socket.socket) -> None:
        self.failed: Failed | None = None
        self.was_silent = False  # and was killed for it
        self._process = process
        self._control = control
        self._writer: asyncio.StreamWriter | None = None
        self._patience_s: float | None = None  # HANG_S
        self._listening: asyncio.Timeout | None = None
        self._waiting: list[Order] = []  # told before the connection was up

    @classmethod
    async def spawn(
        cls,
        nursery: Nursery,
        slot: Slot,
        descriptors: Descriptors,
        environment: Mapping[str, str],
    ) -> "Child":
        """Have a process begun, which waits to be told to start. Raises OSError."""
        process, control = await asyncio.to_thread(nursery.bear, slot, descriptors, environment)
        control.setblocking(False)
        return cls(process, control)

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

"""One worker as its pool sees it: started, given a task, heard, ended. Never waited for."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Final

import msgspec

from angarium.templates.workers.launch import Program, start
from angarium.templates.workers.wire import (
    LENGTH_OCTETS,
    Ready,
    Report,
    Task,
    Unable,
    WireError,
    frame,
    read_report,
)

START_S: Final = 30.0  # ours: a busy machine needs some seconds
# Ours: a loop that was held up reads what has come meanwhile before it judges
GRACE_S: Final = 0.05
STARVED: Final = 0.1  # ours: of the time, with less of the processor
_TICKS: Final = os.sysconf("SC_CLK_TCK")
REAP_S: Final = 5.0  # ours: a process that was killed and is not gone by then is left to the kernel


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """A worker is no more."""

    was_late: bool = False  # and was killed for it
    was_starved: bool = False  # late, but it hardly got the processor meanwhile
    was_wrong: bool = False  # it said what no worker says, and was killed for it
    signal: int = 0  # of which it died otherwise
    status: int = 0  # with which it exited

    @property
    def words(self) -> str:
        if self.was_late:
            return "it took too long"
        if self.was_wrong:
            return "it answered nonsense"
        if self.signal:
            return f"signal {signal.Signals(self.signal).name}"
        return f"exit status {self.status}"


class DeadError(Exception):
    """The worker ended instead of answering."""

    def __init__(self, death: Death) -> None:
        super().__init__(death.words)
        self.death = death


class StartError(Exception):
    """A worker cannot be started, and why."""


class _LateError(Exception):
    """It takes too long; ``was_starved``: by no fault of its own."""

    def __init__(self, was_starved: bool) -> None:
        super().__init__()
        self.was_starved = was_starved


class WorkerProcess:
    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        longest_octets: int,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._longest = longest_octets  # of a report
        self.lacking: tuple[str, ...] = ()  # confinements that this kernel does not have

    @classmethod
    async def open(cls, program: Program) -> "WorkerProcess":
        """Return one that is ready. Raises StartError."""
        try:
            process, channel = start(program)
        except OSError as error:
            raise StartError(f"{error.strerror or error}") from error
        worker = await cls._connect(process, channel, program)
        try:
            async with asyncio.timeout(START_S):
                report = await worker._next_report()
        except TimeoutError:
            await worker.close()
            raise StartError(f"it is not ready after {START_S:.0f} s") from None
        except (EOFError, WireError, OSError):
            raise StartError((await worker.bury()).words) from None
        except BaseException:
            await worker.close()
            raise
        match report:
            case Ready(lacking=lacking):
                worker.lacking = lacking
                return worker
            case Unable(reason=reason):
                await worker.close()
                raise StartError(reason)
            case _:
                await worker.close()
                raise StartError("it answered nonsense")

    @classmethod
    async def _connect(
        cls, process: subprocess.Popen[bytes], channel: socket.socket, program: Program
    ) -> "WorkerProcess":
        try:
            reader, writer = await asyncio.open_unix_connection(sock=channel, limit=1 << 20)
        except BaseException:
            channel.close()
            process.kill()
            process.wait()  # it has hardly begun, and is gone in no time
            raise
        limits = program.limits
        # Characters are up to four octets; one answer may begin just below the limit of an answer
        longest = 4 * limits.answer_octets + limits.output_octets + (1 << 20)
        return cls(process, reader, writer, longest)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, task: Task, patience_s: float) -> Report:
        """Have the task done. Raises DeadError; then the process is gone."""
        try:
            self._writer.write(frame(task))
            return await self._in_time(patience_s)
        except _LateError as error:
            await self.bury(was_late=True)
            raise DeadError(Death(was_late=True, was_starved=error.was_starved)) from None
        except (EOFError, OSError):
            raise DeadError(await self.bury()) from None
        except WireError:
            raise DeadError(await self.bury(was_wrong=True)) from None

    async def _in_time(self, patience_s: float) -> Report:
        """Raises _LateError, EOFError, OSError, WireError."""
        reading = asyncio.ensure_future(self._next_report())
        looked: list[float] = []
        try:
            for patience in (patience_s / 2, patience_s / 2, GRACE_S):
                await asyncio.wait((reading,), timeout=patience)
                if reading.done():
                    return await reading
                looked.append(self._processor_s())
            raise _LateError(looked[1] - looked[0] < STARVED * patience_s / 2)
        finally:
            if not reading.done():
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    def _processor_s(self) -> float:
        """Return the processor time that it has used, in seconds; 0: it is gone."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_bytes()
        except OSError:
            return 0.0
        user, system = stat.rpartition(b")")[2].split()[11:13]
        return (int(user) + int(system)) / _TICKS

    async def _next_report(self) -> Report:
        """Raises EOFError, OSError, WireError."""
        head = await self._reader.readexactly(LENGTH_OCTETS)
        length = int.from_bytes(head, "big")
        if length > self._longest:
            raise WireError("it is too long")
        return read_report(await self._reader.readexactly(length))

    async def close(self) -> None:
        """End it: it has nothing to lose."""
        await self.bury()

    async def bury(self, *, was_late: bool = False, was_wrong: bool = False) -> Death:
        """Kill what is left of it and say what it died of."""
        self._writer.close()
        try:
            if not was_late and not was_wrong:
                await self._gone(GRACE_S)  # by itself: its own end says more than our kill
            if self._process.poll() is None:
                self._process.kill()
                await self._gone(REAP_S)
        except asyncio.CancelledError:
            self._process.kill()
            self._process.wait()  # it is gone in no time
            raise
        status = self._process.poll()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        if was_late or was_wrong:
            return Death(was_late=was_late, was_wrong=was_wrong)
        if status is not None and status < 0:
            return Death(signal=-status)
        return Death(status=status or 0)

    async def _gone(self, within_s: float) -> None:
        """Wait until it is gone, or so long."""
        if self._process.poll() is not None:
            return
        try:
            fd = os.pidfd_open(self._process.pid)
        except OSError:
            return
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        loop.add_reader(fd, gone.set)
        timer = loop.call_later(within_s, gone.set)
        try:
            await gone.wait()
        finally:
            timer.cancel()
            loop.remove_reader(fd)
            os.close(fd)

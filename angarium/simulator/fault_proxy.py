"""A TCP proxy on loopback that does what bad networks do: delay, swallow, reset, half-open, crawl."""

import asyncio
import struct
from socket import SO_LINGER, SOL_SOCKET
from types import TracebackType
from typing import Literal

import msgspec

BLOCK_OCTETS = 65_536
RESET = struct.pack("ii", 1, 0)  # SO_LINGER, zero seconds: close sends RST


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to the octets of one direction, or both. Octets are counted per direction."""

    direction: Literal["to_server", "to_client", "both"] = "both"
    delay_s: float = 0.0  # before each block is passed on
    octets_per_s: float | None = None  # reads no faster: the sender's window fills
    block_octets: int = BLOCK_OCTETS  # at most so many are read and passed on at once
    reset_after_octets: int | None = None  # RST to both sides, right behind this octet
    close_after_octets: int | None = None  # FIN to both sides, right behind this octet
    swallow_after_octets: int | None = None  # read on, pass nothing on: packets lost for ever
    stop_after_octets: int | None = None  # read no more, keep the connection: half-open
    connections: int | None = None  # only the first so many have this; omitted: all

    def limit(self) -> int | None:
        """The octet behind which the first of the faults happens."""
        limits = (
            self.reset_after_octets,
            self.close_after_octets,
            self.swallow_after_octets,
            self.stop_after_octets,
        )
        return min((each for each in limits if each is not None), default=None)


class FaultProxy:
    """``fault`` may be set anew at any time; it holds for connections made from then on."""

    def __init__(self, host: str, port: int, fault: Fault | None = None) -> None:
        self.fault = fault
        self.connections = 0
        self.port = 0
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "FaultProxy":
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=2 * BLOCK_OCTETS
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def reset_all(self) -> None:
        """Reset every connection there is now."""
        for writer in list(self._writers):
            _reset(writer)

    async def _serve(
        self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        fault = self.fault
        if fault is not None and fault.connections is not None:
            fault = fault if self.connections <= fault.connections else None
        writers = [client_writer]
        self._writers.add(client_writer)
        try:
            reader, writer = await asyncio.open_connection(*self._target, limit=2 * BLOCK_OCTETS)
            writers.append(writer)
            self._writers.add(writer)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(_pump(client_reader, writers, 1, _of(fault, "to_server")))
                pumps.create_task(_pump(reader, writers, 0, _of(fault, "to_client")))
        except* (OSError, _OverError):
            pass  # the one side's end is the other's
        except* asyncio.CancelledError:
            pass  # the proxy closes; nothing waits for this task's result
        finally:
            self._tasks.discard(task)
            for each in writers:
                self._writers.discard(each)
                each.close()


class _OverError(Exception):
    """The connection is to end, on both sides."""


def _of(fault: Fault | None, direction: str) -> Fault | None:
    return fault if fault is not None and fault.direction in ("both", direction) else None


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(SOL_SOCKET, SO_LINGER, RESET)
    writer.transport.abort()


async def _pump(
    reader: asyncio.StreamReader, writers: list[asyncio.StreamWriter], to: int, fault: Fault | None
) -> None:
    """Pass octets on until the end, or until the fault. Raises _OverError when both sides are to end."""
    writer = writers[to]
    passed = 0
    limit = fault.limit() if fault is not None else None
    while True:
        if fault is not None and limit is not None and passed >= limit:
            await _fail(reader, writers, fault, limit)
        block = await reader.read(_block_octets(fault, limit, passed))
        if not block:
            if writer.can_write_eof():
                writer.write_eof()
            return
        if fault is not None:
            await asyncio.sleep(fault.delay_s)
            if fault.octets_per_s is not None:
                await asyncio.sleep(len(block) / fault.octets_per_s)
        writer.write(block)
        await writer.drain()
        passed += len(block)


def _block_octets(fault: Fault | None, limit: int | None, passed: int) -> int:
    octets = BLOCK_OCTETS if fault is None else fault.block_octets
    return octets if limit is None else min(octets, limit - passed)


async def _fail(
    reader: asyncio.StreamReader, writers: list[asyncio.StreamWriter], fault: Fault, limit: int
) -> None:
    """Do what the fault says at ``limit``; does not return before the connection is over."""
    if fault.reset_after_octets == limit:
        for writer in writers:
            _reset(writer)
        raise _OverError
    if fault.close_after_octets == limit:
        raise _OverError
    if fault.swallow_after_octets == limit:
        while await reader.read(BLOCK_OCTETS):
            pass
        raise _OverError
    await asyncio.Event().wait()  # half-open, until the proxy or the other side ends it

"""A byte on a Unix datagram socket that says "something is due". A hint: losing it costs a poll interval.

Delivery process n of M answers ``<data_dir>/run/doorbell-<n>`` for the partitions p with p % M == n.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from angarium.queue.model import PartitionNumber

MAX_PATH_OCTETS: Final = 107  # sun_path of Linux has 108, the last one NUL (unix(7))
_RECEIVE_LIMIT: Final = 512  # datagrams drained in one turn of the loop


def doorbell_path(data_dir: Path, process: int) -> Path:
    return data_dir / "run" / f"doorbell-{process}"


class DoorbellReceiver:
    """Rings ``answer`` once per turn of the event loop in which any byte came."""

    def __init__(self, path: Path, answer: Callable[[], None]) -> None:
        self._path = path
        self._answer = answer
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Bind, taking the place of a dead predecessor's socket."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            with _Address(self._path) as address:
                bell.bind(address)
            self._path.chmod(0o600)
            loop.add_reader(bell.fileno(), self._receive)
        except BaseException:
            bell.close()
            raise
        self._socket, self._loop = bell, loop

    def close(self) -> None:
        if self._socket is not None and self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)

    def _receive(self) -> None:
        rung = False
        for _ in range(_RECEIVE_LIMIT):
            if self._socket is None:
                break
            try:
                self._socket.recv(1)
            except (BlockingIOError, InterruptedError):
                break
            rung = True
        if rung:
            self._answer()


class DoorbellSender:
    """Rings the processes that own partitions. Never blocks and never raises for an absent or full peer."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """``paths``: of process 0, 1, ... in order."""
        self._paths = tuple(paths)
        self._socket: socket.socket | None = None
        self._rung: set[int] = set()  # processes to ring in this turn of the loop
        self.lost = 0  # rings that nobody heard

    def ring(self, partition: PartitionNumber) -> None:
        """Ring the partition's owner at once."""
        self._send(partition % len(self._paths))

    def ring_soon(self, loop: asyncio.AbstractEventLoop, partition: PartitionNumber) -> None:
        """Ring the partition's owner at the end of this turn of the loop, once for all of its partitions."""
        if not self._rung:
            loop.call_soon(self._send_all)
        self._rung.add(partition % len(self._paths))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send_all(self) -> None:
        processes, self._rung = self._rung, set()
        for process in processes:
            self._send(process)

    def _send(self, process: int) -> None:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            with _Address(self._paths[process]) as address:
                self._socket.sendto(b"\0", address)
        except BlockingIOError:
            return  # its buffer is full of rings: it will wake up
        except OSError:
            self.lost += 1  # absent or just restarting: it looks for itself every poll_s


class _Address:
    """The path itself, or one through /proc that fits sun_path while this is open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._directory = -1

    def __enter__(self) -> str:
        text = os.fspath(self._path)
        if len(os.fsencode(text)) <= MAX_PATH_OCTETS:
            return text
        self._directory = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._directory}/{self._path.name}"

    def __exit__(self, *_error: object) -> None:
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1

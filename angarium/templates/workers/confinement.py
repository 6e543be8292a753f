"""What a worker gives up before it sees the first template: memory, files, processes, rights.

An engine that is broken out of finds a process that can write nothing, reach nobody, start nothing, and dies with its
parent.
"""

import os
import resource
import signal
import socket
import sys
import zoneinfo
from typing import Final

import msgspec

from angarium.host.sandbox import leave_parent, limit, seal

# Where its socket is: behind standard input, output and error, which lead nowhere
SOCKET: Final = 3
NICENESS: Final = 5  # ours: mail that is being taken in and sent comes first
# Ours, at once: the data of a language or of a time zone are read when they are asked for
_FILES: Final = 16
_PAGE: Final = resource.getpagesize()


def settle(fd: int, parent: int) -> socket.socket:
    """Return the socket, as the only file that is open. Raises OSError, EOFError: the parent is gone."""
    leave_parent(parent)
    if fd != SOCKET:
        os.dup2(fd, SOCKET)
    os.closerange(SOCKET + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.environ.clear()
    os.chdir("/")
    os.nice(NICENESS)
    for number in (signal.SIGPROF, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    return socket.socket(fileno=SOCKET)


class Confinement(msgspec.Struct, frozen=True, kw_only=True):
    """In force."""

    memory: "Memory"
    lacking: tuple[str, ...]  # what this kernel could not do


def confine(memory_octets: int) -> Confinement:
    """From now on: so much more memory, nothing written, nobody reached. Call it after the last import."""
    memory = Memory()
    lacking = seal((*sys.path, *zoneinfo.TZPATH))
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, 0)
    limit(resource.RLIMIT_NPROC, 0)  # does not bind root
    limit(resource.RLIMIT_NOFILE, _FILES)
    limit(resource.RLIMIT_AS, memory.address_space() + memory_octets)
    return Confinement(memory=memory, lacking=lacking)


class Memory:
    """How much of it is in use."""

    def __init__(self) -> None:
        self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)

    def address_space(self) -> int:
        """Return octets."""
        return int(os.pread(self._statm, 64, 0).split()[0]) * _PAGE


def begin_filling(cpu_s: float) -> None:
    """The kernel ends the process by SIGPROF once it has used so much processor time from now."""
    signal.setitimer(signal.ITIMER_PROF, cpu_s)


def end_filling() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)

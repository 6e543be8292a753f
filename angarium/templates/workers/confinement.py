"""What a worker gives up before it sees the first template: memory, files, processes, rights.

An engine that is broken out of finds a process that can write nothing, reach nobody, start nothing, and dies with its
parent.
"""

import ctypes
import os
import resource
import signal
import socket
import sys
import zoneinfo
from typing import Final

import msgspec

from angarium.templates.workers.sandbox import seal

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
# Where its socket is: behind standard input, output and error, which lead nowhere
SOCKET: Final = 3
NICENESS: Final = 5  # ours: mail that is being taken in and sent comes first
# Ours, at once: the data of a language or of a time zone are read when they are asked for
_FILES: Final = 16
_PAGE: Final = resource.getpagesize()


def settle(fd: int, parent: int) -> socket.socket:
    """Return the socket, as the only file that is open. Raises OSError, EOFError: the parent is gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, _PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        raise EOFError  # it died before the line above
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
    _prctl(libc, _PR_SET_DUMPABLE, 0)  # no core, and others of the same user cannot read it
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
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NPROC, 0)  # does not bind root
    _limit(resource.RLIMIT_NOFILE, _FILES)
    _limit(resource.RLIMIT_AS, memory.address_space() + memory_octets)
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


def _limit(which: int, value: int) -> None:
    """Never above what it is already, as an operator may have set it."""
    hard = resource.getrlimit(which)[1]
    least = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (least, least))


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")

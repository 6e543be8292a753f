"""Where the supervisor's processes come from: forks of one that has imported what roles run, and has nothing else.

A fresh interpreter for each would import most of it again: two seconds of processor time for a server of five.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from angarium.service.life.slot import Slot

REQUEST_OCTETS: Final = 1 << 20
MAX_FDS: Final = 253  # the kernel's own limit for one message (unix(7))
PID_OCTETS: Final = 4
# It imports everything first
BIRTH_S: Final = 60.0
_PR_SET_CHILD_SUBREAPER: Final = 36  # linux/prctl.h

# Of the language, the time zone, the linker, Python, OpenSSL and this program; no more than these
_NEEDED: Final = (
    *("PATH", "LANG", "LC_", "TZ", "TMPDIR", "LD_", "MALLOC_", "GLIBC_TUNABLES"),
    *("PYTHON", "SSL_CERT_", "OPENSSL_", "ANGARIUM_"),
)


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """A process is asked for. Its descriptors come with it: control, clients, rates, lock, and its listeners."""

    slot: Slot
    environment: dict[str, str]


class Descriptors(msgspec.Struct, frozen=True, kw_only=True):
    """What a process of the server gets beside its order."""

    clients: int  # of the ClientTable
    rates: int  # of the SharedRates
    lock: int  # kept open, and no more
    listeners: tuple[int, ...] = ()  # in the order of config.listener

    @classmethod
    def of(cls, fds: Iterable[int]) -> "Descriptors":
        clients, rates, lock, *listeners = fds
        return cls(clients=clients, rates=rates, lock=lock, listeners=tuple(listeners))

    def all(self) -> tuple[int, ...]:
        return (self.clients, self.rates, self.lock, *self.listeners)


class Born:
    """A process: a child of ours, as ``subprocess.Popen`` would have it."""

    def __init__(self, pid: int) -> None:
        self.pid: Final = pid
        self._status: int | None = None

    @property
    def is_running(self) -> bool:
        """As far as has been heard."""
        return self._status is None

    def poll(self) -> int | None:
        """Return its exit status, negative for a signal; None while it runs."""
        return self._look(os.WNOHANG)

    def wait(self) -> int:
        status = self._look(0)
        assert status is not None
        return status

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _look(self, options: int) -> int | None:
        if self._status is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status


class Nursery:
    """Begun when the first process is asked for, and again when it has died. Any thread may ask, one at a time.

    Invariant NU1: whoever it bears is a child of this process, and hears of its end.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        """``modules`` are imported once."""
        self._modules = tuple(modules)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._born: list[Born] = []

    def bear(
        self, slot: Slot, descriptors: Descriptors, environment: Mapping[str, str]
    ) -> tuple[Born, socket.socket]:
        """Return a process, and where it waits for its order: once that is closed, it ends. Blocks. Raises OSError."""
        request = msgspec.msgpack.encode(Birth(slot=slot, environment=dict(environment)))
        ours, theirs = socket.socketpair()
        with self._lock, theirs, contextlib.ExitStack() as failing:
            failing.callback(ours.close)
            nursery = self._begun()
            try:
                socket.send_fds(nursery, [request], [theirs.fileno(), *descriptors.all()])
                octets = nursery.recv(PID_OCTETS)
                if not octets:
                    raise ConnectionResetError("the nursery of processes died")
            except OSError:
                self._end()
                raise
            pid = int.from_bytes(octets, "big")
            if not pid:
                raise OSError("the nursery could not fork: too many processes, or no memory")
            failing.pop_all()
            self._born = [each for each in self._born if each.is_running] + [Born(pid)]
            return self._born[-1], ours

    def reap_strangers(self) -> None:
        """Hear of the end of processes that were a dead child's: they are ours since."""
        if not self._lock.acquire(blocking=False):
            return  # one is being born, and not known yet
        try:
            while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and (
                found.si_pid not in self._known()
            ):
                os.waitpid(found.si_pid, 0)
        except ChildProcessError:
            return  # there are none at all
        finally:
            self._lock.release()

    def close(self) -> None:
        """Those that it has borne live on."""
        with self._lock:
            self._end()
            _adopt_orphans(False)

    def _known(self) -> set[int]:
        born = [each.pid for each in self._born if each.is_running]
        return {*born, *([self._process.pid] if self._process is not None else [])}

    def _begun(self) -> socket.socket:
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._control is not None:
            return self._control
        _adopt_orphans(True)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for each in (ours, theirs):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, REQUEST_OCTETS)
        ours.settimeout(BIRTH_S)
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                    [
                        *(sys.executable, "-m", "angarium.service.nursery"),
                        *(str(theirs.fileno()), *self._modules),
                    ],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=_needed_environment(),
                    start_new_session=True,  # a terminal's ^C reaches the supervisor only
                )
            except OSError:
                ours.close()
                raise
        self._control = ours
        return ours

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()  # it has nothing to lose
            self._process.wait()
            self._process = None


def environment_of(names: Iterable[str] | None) -> dict[str, str]:
    """Return ours for a process. ``names``: it drops privileges, and gets what it needs and these (L1); None: all."""
    if names is None:
        return {**os.environ, **_needed_environment()}
    named = {each: os.environ[each] for each in names if each in os.environ}
    return {**named, **_needed_environment()}


def _needed_environment() -> dict[str, str]:
    """With the package findable as we found it: from a checkout it is on nobody's path."""
    top = str(Path(__file__).parents[3])
    path = os.environ.get("PYTHONPATH")
    return {
        **{key: value for key, value in os.environ.items() if key.startswith(_NEEDED)},
        "PYTHONPATH": f"{top}{os.pathsep}{path}" if path else top,
        "PYTHONUNBUFFERED": "1",
    }


def _adopt_orphans(adopts: bool) -> None:
    """Those whose parent ends become children of this process, not of init: NU1. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, int(adopts), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")

"""The directory that holds all state: made with the right modes, and locked so that one server uses it.

queue/             LMDB
credentials.jsonl  who may log in
platform.db        tenants, keys, domains: what commands change
platform.snapshot  the same, for the server's processes
tenancy.key        opens the private keys in both
mail.log           one line per event
instance           whether this is the one, or a copy of it
run/lock           held by the server and each of its processes
run/metrics, run/state   per process: its counters, and whether it is well
run/admin          per process: the socket that answers the operator's commands
"""

import errno
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from angarium.host.directory import Directory
from angarium.host.identity import Identity
from angarium.host.sysexits import EX_CANTCREAT, EX_NOPERM, EX_UNAVAILABLE, StartError

LOCK_WAIT_S: Final = 10.0  # ours: processes of a killed server need up to this long to go
_LOCK_POLL_S: Final = 0.05


class DataDir:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.queue = path / "queue"
        self.run = path / "run"
        # As root these are reached only by ``metrics_directory`` and ``state_directory``: L1
        self.metrics = self.run / "metrics"
        self.state = self.run / "state"
        self.lock = self.run / "lock"

    def metrics_directory(self, *, make: bool = False) -> Directory:
        return Directory(self.path, self.run.name, self.metrics.name, make=make)

    def state_directory(self, *, make: bool = False) -> Directory:
        return Directory(self.path, self.run.name, self.state.name, make=make)

    def prepare(self, identity: Identity | None) -> None:
        """Make what is missing, mode 0700 (P8), and hand it to the identity. Raises StartError."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            with Directory(self.path) as directory:
                os.fchmod(directory.fd, 0o700)
                with Directory(self.path, self.run.name, make=True):  # no link is in its place
                    pass
                if identity is not None:
                    directory.give_tree(identity)
        except PermissionError as error:
            raise StartError(
                f"server.data_dir: {error.filename or self.path}: permission denied; it must belong"
                f" to the user that runs the server (uid {os.geteuid()})",
                EX_NOPERM,
            ) from None
        except NotADirectoryError as error:
            raise _start_error(error) from None
        except OSError as error:
            raise StartError(
                f"server.data_dir: {self.path} cannot be made: {error.strerror}", EX_CANTCREAT
            ) from None

    def acquire(
        self,
        identity: Identity | None = None,
        wait_s: float = LOCK_WAIT_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> int:
        """Lock the directory and return the lock's descriptor, to be inherited by each process of the server.

        Blocks up to ``wait_s``. The lock is gone when the last process that has the descriptor is. Raises StartError.
        """
        fd = self._open_lock(identity)
        waited = 0.0
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waited >= wait_s:
                    owner = _pid_in(fd)
                    os.close(fd)
                    raise StartError(
                        f"another server (pid {owner}) uses {self.path}; stop it first, or give this"
                        " one its own server.data_dir",
                        EX_UNAVAILABLE,
                    ) from None
                sleep(_LOCK_POLL_S)
                waited += _LOCK_POLL_S
            else:
                os.ftruncate(fd, 0)
                os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
                return fd

    def _open_lock(self, identity: Identity | None) -> int:
        """Open the lock, or make it and give it away. Raises StartError: it is not a plain file of the server's."""
        us = {os.geteuid()} if identity is None else {os.geteuid(), identity.uid}
        try:
            with Directory(self.path, self.run.name) as run:
                fd = run.open(self.lock.name, os.O_RDWR | os.O_CREAT, us)
        except OSError as error:
            raise _start_error(error) from None
        if identity is not None:
            os.fchown(fd, identity.uid, identity.gid)
        return fd

    def find_server(self) -> str | None:
        """Return the pid, as text, of the server that uses the directory. Follows no link below it. Raises OSError."""
        try:
            with Directory(self.path, self.run.name) as run:
                fd = run.open(self.lock.name)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _pid_in(fd)
        finally:
            os.close(fd)
        return None

    def wipe_run(self, identity: Identity | None) -> None:
        """Start with no metrics and states of earlier processes. Call it with the lock held."""
        try:
            with Directory(self.path, self.run.name) as run:
                for name in (self.metrics.name, self.state.name):
                    run.remove_tree(name)
            for directory in (self.metrics_directory(make=True), self.state_directory(make=True)):
                with directory as made:
                    if identity is not None:
                        made.give(identity)
        except OSError as error:
            raise _start_error(error) from None


def _start_error(error: OSError) -> StartError:
    text = error.strerror
    if error.errno in (
        errno.ELOOP,
        errno.ENOTDIR,
    ):  # a link where a file, where a directory is expected
        text = (
            "is a link, or no directory, and not of the server's making; look at it, and remove it"
        )
    return StartError(f"server.data_dir: {error.filename}: {text}", EX_NOPERM)


def _pid_in(lock: int) -> str:
    text = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
    return text if text.isdecimal() else "unknown"

"""What the processes of the server are forks of: ``python -m angarium.service.nursery FD MODULE ...``.

It has imported what roles run and has nothing else: no configuration, no privileges used, no socket but the one to its
supervisor, and one thread. It answers with the id of a process that is the supervisor's child, not its own.
"""

import contextlib
import ctypes
import gc
import importlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Final

import msgspec

from angarium.feedback.classifier import phrases
from angarium.service.life.nursery import (
    MAX_FDS,
    PID_OCTETS,
    REQUEST_OCTETS,
    Birth,
    Descriptors,
)
from angarium.service.role import run_slot

# proc(5): fields of /proc/self/stat, counted from the first behind the name
_ARG_START: Final = 48 - 3
_ARG_END: Final = 49 - 3


def main(argv: list[str]) -> int:
    control = socket.socket(fileno=int(argv[0]))
    # Before anything else, and for all that are born here: the supervisor may die meanwhile
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    gc.disable()  # imports leave nothing to collect
    for module in argv[1:]:
        importlib.import_module(module)
    phrases()  # for all that are born here
    gc.enable()
    gc.collect()
    gc.freeze()  # what is shared stays as it is when a fork collects
    while True:
        try:
            octets, fds, _, _ = socket.recv_fds(control, REQUEST_OCTETS, MAX_FDS)
        except ConnectionError:
            octets, fds = b"", []
        if not octets:
            return 0  # the supervisor has gone
        pid = _fork_for_supervisor()
        if pid is None:
            control.close()
            return _live(msgspec.msgpack.decode(octets, type=Birth), fds)
        for fd in fds:
            os.close(fd)
        try:
            control.sendall(pid.to_bytes(PID_OCTETS, "big"))
        except ConnectionError:
            return 0  # likewise; the process finds nobody either, and ends


def _fork_for_supervisor() -> int | None:
    """Return the id of a process that its parent, between us and it, has left to the supervisor; 0: there is none.

    None: we are that process.
    """
    ours, theirs = os.pipe()
    try:
        between = os.fork()
    except OSError:
        os.close(ours)
        os.close(theirs)
        return 0
    if between == 0:
        try:
            pid = os.fork()
            if pid == 0:
                os.close(ours)
                os.close(theirs)
                return None
            os.write(theirs, pid.to_bytes(PID_OCTETS, "big"))
        except OSError:
            os._exit(1)
        os._exit(0)
    os.close(theirs)
    octets = os.read(ours, PID_OCTETS)
    os.close(ours)
    os.waitpid(between, 0)
    return int.from_bytes(octets, "big")


def _live(birth: Birth, fds: list[int]) -> int:
    os.setsid()
    os.environ.clear()
    os.environ.update(birth.environment)
    with contextlib.suppress(OSError, ValueError):  # a sandbox may hide it
        _rename(
            sys.executable, "-m", "angarium.service.role", birth.slot.role, str(birth.slot.index)
        )
    control, *others = fds
    return run_slot(birth.slot, socket.socket(fileno=control), Descriptors.of(others))


def _rename(*words: str) -> None:
    """Have ps(1) show these words as our command line, as far as there is room. Raises OSError, ValueError."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
    if not 0 < start < end:
        return
    line = "\0".join(words).encode()[: end - start - 1]
    ctypes.memmove(start, line.ljust(end - start, b"\0"), end - start)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Imported by each Python process that has this folder on its path: samples its Python stacks by processor time.

Each thread has a timer on its own processor clock. When it has run for a tick more, the kernel interrupts it, wherever
it is, and ``faulthandler`` writes its stack from within the signal: no lock is needed, so that, unlike a sampler that
is a thread, it also sees what runs while the interpreter's lock is held or is not needed. A call into C or into the
kernel counts for the line that made it. Knows nothing of Angarium; bench/profile.py sets what it reads.
"""

import ctypes
import faulthandler
import os
import signal
import sys
import threading
from pathlib import Path

# Folder for one file per process.
FOLDER = "ANGARIUM_BENCH_SAMPLES"
# The kernel looks at such timers once a tick (1 to 10 ms): shorter than that, each is due at each tick.
INTERVAL_NS = 1_000_000
CLOCK_THREAD_CPUTIME_ID = 3
SIGEV_THREAD_ID = 4


class _Sigevent(ctypes.Structure):
    """struct sigevent of <signal.h>, as far as it is used; it has 64 octets."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("tid", ctypes.c_int),
        ("rest", ctypes.c_char * 44),
    )


class _Itimerspec(ctypes.Structure):
    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


def _sample_this_thread() -> None:
    """The timer ends with its process; a thread that ends leaves one that never fires."""
    event = _Sigevent(signo=signal.SIGPROF, notify=SIGEV_THREAD_ID, tid=threading.get_native_id())
    timer = ctypes.c_void_p()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.timer_create(CLOCK_THREAD_CPUTIME_ID, ctypes.byref(event), ctypes.byref(timer)):
        raise OSError(ctypes.get_errno(), "timer_create")
    spec = _Itimerspec(0, INTERVAL_NS, 0, INTERVAL_NS)
    if libc.timer_settime(timer, 0, ctypes.byref(spec), None):
        raise OSError(ctypes.get_errno(), "timer_settime")


def _begin(folder: Path) -> None:
    """Sample the only thread of this process, and those that it starts: who is forked inherits no timer."""
    file = (folder / f"{os.getpid()}.samples").open("w")
    faulthandler.register(signal.SIGPROF, file=file, all_threads=False)
    _sample_this_thread()


def _start(folder: Path) -> None:
    # Once faulthandler has ended, the timer kills nobody
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    bootstrap = threading.Thread._bootstrap_inner

    def sampled(self: threading.Thread) -> None:
        _sample_this_thread()
        bootstrap(self)

    threading.Thread._bootstrap_inner = sampled
    os.register_at_fork(after_in_child=lambda: _begin(folder))
    _begin(folder)


if (folder := os.environ.get(FOLDER)) and any("angarium" in each for each in sys.orig_argv):
    _start(Path(folder))

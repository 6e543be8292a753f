"""What a process asks of kernel and C library so that much work costs little, and may be much."""

import contextlib
import ctypes
import gc
import os
import resource
from typing import Final

_M_TRIM_THRESHOLD: Final = -1  # malloc.h
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3
KEPT_OCTETS: Final = 16 << 20  # ours: freed memory at the heap's end up to this is not given back
PADDING_OCTETS: Final = 1 << 20
MAPPED_OCTETS: Final = 4 << 20  # larger blocks are mapped on their own, and given back at once


# Objects made beyond those freed before the collector looks for cycles. Ours: messages make hardly any, so that by
# CPython's 700 it walks what is in transfer again and again, for a twentieth of the processor time
COLLECT_AFTER: Final = 10_000


def tune() -> None:
    """Call once per process, before it starts threads."""
    _open_many_files()
    _finish_slices()
    _keep_freed_memory()
    _collect_seldom()


def _open_many_files() -> None:
    """Take what the hard limit allows. Shells give 1024, which is less than one listener's connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):  # where a sandbox forbids it
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _finish_slices() -> None:
    """Run as SCHED_BATCH (sched(7)): a process that one of ours wakes, or a thread that waits for the GIL, does not
    interrupt what runs. Otherwise each reply switches the processor to its reader: two switches more per message.
    """
    with contextlib.suppress(OSError):  # where a sandbox forbids it
        if os.sched_getscheduler(0) == os.SCHED_OTHER:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _keep_freed_memory() -> None:
    """Message contents are allocated and freed in waves, some megabytes a second.

    By default glibc gives the end of the heap back after each wave and takes it again page fault by page fault.
    Another C library is left as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, KEPT_OCTETS)
        mallopt(_M_TOP_PAD, PADDING_OCTETS)
        mallopt(_M_MMAP_THRESHOLD, MAPPED_OCTETS)


def _collect_seldom() -> None:
    """What was imported lives as long as the process: it is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 100)

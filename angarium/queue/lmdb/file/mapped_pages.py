"""Gives mapped pages of the queue's file back: they are the kernel's cache, yet count as this process's memory.

The kernel maps sixteen pages around each one that is read, so a process that delivers a large queue would seem to
hold all of it. Linux only; elsewhere nothing happens.
"""

import ctypes
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from angarium.host.process_memory import read_memory

# Of file pages in this process, the interpreter's own 20 MB among them
LIMIT_OCTETS: Final = 64 << 20
LOOK_S: Final = 0.2  # between two looks
_MADV_DONTNEED: Final = 4


class MappedPages:
    """Used from one thread. Readers in other threads at the same moment merely read the page cache again."""

    def __init__(self, file: Path) -> None:
        self._file = str(file.resolve())
        self._looked = 0.0
        self._madvise = _find_madvise()

    def give_back(self) -> bool:
        """Unmap what was read if it is much; returns whether it was. Cheap to call after every commit."""
        now = time.monotonic()
        if self._madvise is None or now - self._looked < LOOK_S:
            return False
        self._looked = now
        memory = read_memory()
        if memory is None or memory.mapped_octets < LIMIT_OCTETS:
            return False
        for start, octets in self._mappings():
            self._madvise(start, octets, _MADV_DONTNEED)
        return True

    def _mappings(self) -> list[tuple[int, int]]:
        found = []
        with Path("/proc/self/maps").open("rb") as maps:
            for line in maps:
                if line.rstrip().endswith(self._file.encode()):
                    low, high = line.split(b" ", 1)[0].split(b"-")
                    found.append((int(low, 16), int(high, 16) - int(low, 16)))
        return found


def _find_madvise() -> Callable[[int, int, int], int] | None:
    try:
        madvise = ctypes.CDLL(None, use_errno=True).madvise
    except (OSError, AttributeError):
        return None
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return madvise

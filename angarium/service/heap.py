"""How the C library treats freed memory."""

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1  # malloc.h
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3
KEPT_OCTETS: Final = 16 << 20  # ours: freed memory at the heap's end up to this is not given back
PADDING_OCTETS: Final = 1 << 20
MAPPED_OCTETS: Final = 4 << 20  # larger blocks are mapped on their own, and given back at once


def keep_freed_memory() -> None:
    """Message contents are allocated and freed in waves, some megabytes a second.

    By default glibc gives the end of the heap back after each wave and takes it again page fault by page fault.
    Another C library is left as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, KEPT_OCTETS)
        mallopt(_M_TOP_PAD, PADDING_OCTETS)
        mallopt(_M_MMAP_THRESHOLD, MAPPED_OCTETS)

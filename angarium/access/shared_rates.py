"""How often keys and tenants may do what costs something: one table in memory that all processes of a server share.

Without it each process would hold a rate for itself, and two would allow twice as much. The generic cell rate
algorithm: of each name one number, the time at which all that it has taken is paid for. A name's number is read and
written under a lock of the file that the memory is (POSIX record locks: whoever dies lets go of them).
"""

import fcntl
import mmap
import os
from hashlib import blake2b
from typing import Final

from angarium.access.allowance import Allowance
from angarium.queue.model import UnixMs

# Ours: names that are not as good as new, at a time; with some millions of keys, few of them send at once
BUCKETS: Final = 4096
SLOTS: Final = 8  # of a bucket
NAMES_REMEMBERED: Final = 20_000
_SLOT_OCTETS: Final = 16  # digest of the name u64, when all is paid for u64, ns
_BUCKET_OCTETS: Final = SLOTS * _SLOT_OCTETS
_NS: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000


class SharedRates:
    """Implements Rates. A second's requests may come at once.

    Invariant SRT1: of one name, all processes together allow at most ``rate + t * rate`` within any time t.
    Invariant SRT2: a clock that steps back keeps nobody waiting for longer than a burst takes.
    Invariant SRT3: where a bucket is full of names that are busy, names share a slot: they may wait, and get no more.
    """

    def __init__(self, fd: int) -> None:
        """Map what ``create`` has made; the descriptor stays in use."""
        self._fd = fd
        self._words = memoryview(mmap.mmap(fd, BUCKETS * _BUCKET_OCTETS)).cast("Q")
        self._places: dict[str, tuple[int, int]] = {}  # of names: bucket, digest

    @staticmethod
    def create() -> int:
        """Return a descriptor of shared memory, which takes room as it is used. Raises OSError."""
        fd = os.memfd_create("angarium-rates", os.MFD_CLOEXEC)
        os.ftruncate(fd, BUCKETS * _BUCKET_OCTETS)
        return fd

    @classmethod
    def of_one_process(cls) -> "SharedRates":
        return cls(cls.create())

    def take(self, name: str, per_second: int, now: UnixMs) -> Allowance:
        """Count one, unless it has to wait."""
        interval = -(-_NS // per_second)
        burst = per_second * interval
        now_ns = now * _NS_PER_MS
        bucket, digest = self._place(name)
        at = bucket * _BUCKET_OCTETS
        fcntl.lockf(self._fd, fcntl.LOCK_EX, _BUCKET_OCTETS, at)
        try:
            slot = self._find_slot(bucket, digest, now_ns)
            # Also under a rate that was lowered
            paid = max(min(self._words[slot + 1], now_ns + burst), now_ns)  # SRT2
            wait = paid + interval - now_ns - burst
            if wait <= 0:
                paid += interval
                self._words[slot + 1] = paid  # SRT1
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, _BUCKET_OCTETS, at)
        owed = paid - now_ns
        return Allowance(
            limit=per_second,
            remaining=max(0, (burst - owed) // interval),
            reset_ms=-(-owed // _NS_PER_MS),
            wait_ms=max(0, -(-wait // _NS_PER_MS)),
        )

    def _find_slot(self, bucket: int, digest: int, now_ns: int) -> int:
        """Return where the name's words are: its own, else of a name that is as good as new, else another's."""
        words, first = self._words, bucket * SLOTS * 2
        free = None
        for slot in range(first, first + SLOTS * 2, 2):
            if words[slot] == digest:
                return slot
            if free is None and words[slot + 1] <= now_ns:
                free = slot
        if free is None:
            return first + digest % SLOTS * 2  # SRT3
        words[free] = digest
        words[free + 1] = 0
        return free

    def _place(self, name: str) -> tuple[int, int]:
        found = self._places.get(name)
        if found is None:
            octets = name.encode("utf-8", "surrogatepass")
            digest = int.from_bytes(blake2b(octets, digest_size=8).digest(), "big") or 1
            if len(self._places) >= NAMES_REMEMBERED:
                self._places.clear()
            found = self._places[name] = (digest >> 32) % BUCKETS, digest
        return found

"""Which addresses a table had by now, and on which lines: as many as there are, in little memory. Blocks on disk.

A hash table in a file that nobody else sees, and that is gone when it is closed: the system keeps in memory what it has
room for. Resuming reads the rows again, so nothing here has to survive.
"""

import hashlib
import mmap
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final

from angarium.queue.suppression_key import compared_form

_FIRST_SLOTS: Final = 1 << 16
_GROWTH: Final = 4
_SLOT_WORDS: Final = 2
_WORD_OCTETS: Final = 8
# Beyond it, probes become long
_FULL: Final = 0.6
_LINE_BITS: Final = 40
_LINES: Final = (1 << _LINE_BITS) - 1
# Of an address 88 bits of its hash are kept: of ten million, two are taken for one by a chance of 2 ** -42
_HASH_OCTETS: Final = 11


class Seen:
    """Of one table. To be closed, or used as a context.

    Invariant TB5: an address has the line on which it was noted first, whatever its case and however many there are.
    """

    def __init__(self, directory: Path | None = None, *, first_slots: int = _FIRST_SLOTS) -> None:
        """``directory``: where its file is made; None: where temporary files are. Raises OSError."""
        self._directory = directory
        self._key = os.urandom(16)  # who writes a table cannot choose addresses that collide
        self._map, self._words = self._make(first_slots)
        self._mask = first_slots - 1
        self._room = int(first_slots * _FULL)

    def note(self, address: str, line: int) -> int:
        """Return the line on which the address was noted before; 0: it was not, and is now.

        ``line``: from 1. Raises OSError: the disk is full; then it is not noted.
        """
        octets = compared_form(address).encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(octets, digest_size=_HASH_OCTETS, key=self._key).digest()
        word = int.from_bytes(digest[:_WORD_OCTETS], "little")
        rest = int.from_bytes(digest[_WORD_OCTETS:], "little") << _LINE_BITS
        words, mask = self._words, self._mask
        at = word & mask
        while value := words[2 * at + 1]:
            if words[2 * at] == word and value & ~_LINES == rest:
                return value & _LINES  # TB5
            at = (at + 1) & mask
        if not self._room:
            self._grow()
            return self.note(address, line)
        words[2 * at] = word
        words[2 * at + 1] = rest | min(line, _LINES)
        self._room -= 1
        return 0

    def _grow(self) -> None:
        old_map, old = self._map, self._words
        slots = (self._mask + 1) * _GROWTH
        self._map, self._words = self._make(slots)
        words, mask = self._words, slots - 1
        used = 0
        for slot in range(0, len(old), _SLOT_WORDS):
            value = old[slot + 1]
            if not value:
                continue
            at = old[slot] & mask
            while words[2 * at + 1]:
                at = (at + 1) & mask
            words[2 * at], words[2 * at + 1] = old[slot], value
            used += 1
        self._mask = mask
        self._room = int(slots * _FULL) - used
        old.release()
        old_map.close()

    def _make(self, slots: int) -> tuple[mmap.mmap, memoryview]:
        octets = slots * _SLOT_WORDS * _WORD_OCTETS
        with tempfile.TemporaryFile(dir=self._directory) as file:
            # A full disk is told here, not by a signal
            os.posix_fallocate(file.fileno(), 0, octets)
            found = mmap.mmap(file.fileno(), octets)
        return found, memoryview(found).cast("Q")

    def close(self) -> None:
        self._words.release()
        self._map.close()

    def __enter__(self) -> "Seen":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

"""What the ingress processes of one server tell each other of a listener's clients, in shared memory.

Without it each process would hold a listener's limits for itself, and two would allow twice as much. Start with
``ClientTable``, which the supervisor makes; knows nothing of what the limits are.

Each process writes a row of its own and reads those of the others, so nothing is ever locked. A row says how many
connections and octets of message data the process has, how many connections of each client, and which log-ins
failed last.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

import msgspec

CELLS: Final = 1 << 16  # per row; a client has two of them, and counts as the lesser says
RECENT: Final = 4096  # log-ins that failed, or were found right after all, kept per row

_HEAD: Final = struct.Struct("=16sII")  # secret key, listeners, processes
_TOTALS: Final = struct.Struct("=QQQ")  # connections, octets, failures written so far
_FAILURE: Final = struct.Struct("=QQdq")  # client, user, time.monotonic, +1 or -1
_CELL_OCTETS: Final = 4
_FAILURES_AT: Final = 16
_CELLS_AT: Final = _TOTALS.size
_RECENT_AT: Final = _CELLS_AT + CELLS * _CELL_OCTETS
ROW_OCTETS: Final = -(-(_RECENT_AT + RECENT * _FAILURE.size) // mmap.PAGESIZE) * mmap.PAGESIZE


class FailedLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A log-in that failed, or (-1) one that was counted as failed and was right."""

    client: int
    user: int
    at: float  # time.monotonic, the same clock in all processes of a boot
    change: int  # +1, -1


class ClientTable:
    """Rows for each listener and process, behind a secret key: clients cannot choose whose cells they share."""

    def __init__(self, fd: int) -> None:
        """Map what ``create`` has made; the descriptor may be closed then."""
        self._memory = memoryview(mmap.mmap(fd, 0))
        self._key, self._listeners, self._processes = _HEAD.unpack_from(self._memory)

    @staticmethod
    def create(listeners: int, processes: int) -> int:
        """Return a descriptor of shared memory for so many rows, which takes room as it is used. Raises OSError."""
        fd = os.memfd_create("angarium-clients", os.MFD_CLOEXEC)
        os.ftruncate(fd, mmap.PAGESIZE + listeners * processes * ROW_OCTETS)
        os.pwrite(fd, _HEAD.pack(os.urandom(16), listeners, processes), 0)
        return fd

    @classmethod
    def of_one_process(cls, listeners: int) -> "ClientTable":
        fd = cls.create(listeners, 1)
        try:
            return cls(fd)
        finally:
            os.close(fd)

    def at(self, listener: int, process: int) -> "ListenerClients":
        """Return a listener's rows as that process sees them."""
        rows = [self._row(listener, each) for each in range(self._processes)]
        return ListenerClients(rows, process, self._key)

    def clear(self, process: int) -> None:
        """A process has ended: it has no connections and octets any more. Its failed log-ins stay."""
        for listener in range(self._listeners):
            row = self._row(listener, process)
            row[:_FAILURES_AT] = bytes(_FAILURES_AT)
            row[_CELLS_AT:_RECENT_AT] = bytes(_RECENT_AT - _CELLS_AT)

    def _row(self, listener: int, process: int) -> memoryview:
        start = mmap.PAGESIZE + (listener * self._processes + process) * ROW_OCTETS
        return self._memory[start : start + ROW_OCTETS]


class ListenerClients:
    """One listener's clients, as one process sees them. It knows its own exactly, and keeps its row true to them."""

    def __init__(self, rows: list[memoryview], own: int, key: bytes) -> None:
        self._key = key
        self._totals = [row[: _TOTALS.size].cast("Q") for row in rows]
        self._cells = [row[_CELLS_AT:_RECENT_AT].cast("I") for row in rows]
        self._recent = [row[_RECENT_AT:] for row in rows]
        self._own = own
        self._others = [number for number in range(len(rows)) if number != own]
        self._read = [0] * len(rows)  # failures read of each row

    @classmethod
    def alone(cls) -> "ListenerClients":
        """Return those of a process that has no others beside it."""
        return ClientTable.of_one_process(1).at(0, 0)

    def digest(self, name: str) -> int:
        """Return what stands for a client or user in the table."""
        octets = name.encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(octets, key=self._key, digest_size=8).digest(), "big")

    # --- connections and octets ---------------------------------------------------------------

    def set_connections(self, total: int) -> None:
        self._totals[self._own][0] = total

    def change_connections(self, client: int, change: int) -> None:
        """One connection of the client more or less, in our row."""
        cells = self._cells[self._own]
        for cell in _cells_of(client):
            cells[cell] += change

    def connections_elsewhere(self) -> int:
        return sum([self._totals[other][0] for other in self._others])

    def connections_elsewhere_of(self, client: int) -> int:
        """Return how many the other processes have of the client; more, if another one has both of its cells."""
        first, second = _cells_of(client)
        return sum([min(self._cells[o][first], self._cells[o][second]) for o in self._others])

    def set_octets(self, octets: int) -> None:
        self._totals[self._own][1] = octets

    def octets_elsewhere(self) -> int:
        octets = 0
        for other in self._others:  # three times a message, and mostly there is none or one
            octets += self._totals[other][1]
        return octets

    # --- failed log-ins -----------------------------------------------------------------------

    def tell(self, failure: FailedLogin) -> None:
        """Put it in our row, over the oldest one there."""
        totals = self._totals[self._own]
        place = totals[2] % RECENT * _FAILURE.size
        _FAILURE.pack_into(
            self._recent[self._own],
            place,
            *(failure.client, failure.user, failure.at, failure.change),
        )
        totals[2] += 1  # behind the entry: readers go by it
        self._read[self._own] = totals[2]

    def news(self) -> Iterator[FailedLogin]:
        """Yield what was told since the last call; at first also what a predecessor in our place told."""
        for number, recent in enumerate(self._recent):
            written = self._totals[number][2]
            for entry in range(max(self._read[number], written - RECENT), written):
                client, user, at, change = _FAILURE.unpack_from(
                    recent, entry % RECENT * _FAILURE.size
                )
                yield FailedLogin(client=client, user=user, at=at, change=change)
            self._read[number] = written


def _cells_of(client: int) -> tuple[int, int]:
    """Two different ones."""
    first = client % CELLS
    return first, (first + 1 + (client >> 32) % (CELLS - 1)) % CELLS

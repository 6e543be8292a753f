"""Records outcomes: gathers what attempts came to and commits it in batches. The only writer of settlements."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from angarium.queue import Commit, Moved, PartitionNumber, QueueFullError, Settlement, Submission
from angarium.queue.spool import Partition

RETRY_S: Final = 1.0  # after a full disk
PENDING_LIMIT: Final = 5_000  # settlements not yet on disk; beyond it nothing new is claimed


class _Batch(msgspec.Struct):
    settled: list[Settlement] = []
    moved: list[Moved] = []
    submissions: list[Submission] = []
    written: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self.settled) + len(self.moved)


class Settler:
    """Invariant SE1: outcomes of a partition reach the disk in the order given, those of one call in one transaction.

    Invariant 9: while outcomes cannot be recorded (disk full), ``is_clear`` is False and delivery stops.
    What is pending is lost with the process; its claims are on disk, so it is tried again, in doubt.
    """

    def __init__(self, partitions: Mapping[PartitionNumber, Partition]) -> None:
        self._partitions = partitions
        self._pending: dict[PartitionNumber, _Batch] = {}
        self._count = 0  # pending, and being committed
        self._more = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._stuck: set[PartitionNumber] = set()  # whose last commit found no room

    @property
    def is_clear(self) -> bool:
        return not self._stuck and self._count < PENDING_LIMIT

    def settle(
        self,
        partition: PartitionNumber,
        settled: Sequence[Settlement],
        submissions: Sequence[Submission] = (),
    ) -> None:
        """Queue outcomes, with the DSNs that tell of them: one transaction takes all of one call."""
        batch = self._batch(partition)
        batch.settled.extend(settled)
        batch.submissions.extend(submissions)
        self._added(len(settled))

    def move(self, moved: Moved, written: Callable[[], None] | None = None) -> None:
        """``written`` is called once it is on disk."""
        batch = self._batch(moved.partition)
        batch.moved.append(moved)
        if written is not None:
            batch.written.append(written)
        self._added(1)

    async def run(self) -> None:
        """Commit for ever. Raises FencedError or QueueFailedError: the process must end then."""
        while True:
            await self._more.wait()
            self._more.clear()
            # SE1: what comes from now on waits until all of this is on disk.
            pending, self._pending = self._pending, {}
            if len(pending) == 1:
                for number, batch in pending.items():
                    await self._commit(number, batch)
                continue
            async with asyncio.TaskGroup() as group:
                for number, batch in pending.items():
                    group.create_task(self._commit(number, batch))

    async def flush(self) -> None:
        """Return once all that was pending is on disk."""
        await self._empty.wait()

    async def _commit(self, number: PartitionNumber, batch: _Batch) -> None:
        commit = Commit(settled=batch.settled, moved=batch.moved, submissions=batch.submissions)
        while True:
            try:
                await self._partitions[number].commit(commit)
            except QueueFullError:
                self._stuck.add(number)
                await asyncio.sleep(RETRY_S)
            else:
                break
        self._stuck.discard(number)
        for tell in batch.written:
            tell()
        self._count -= len(batch)
        if not self._count:
            self._empty.set()

    def _batch(self, number: PartitionNumber) -> _Batch:
        batch = self._pending.get(number)
        if batch is None:
            batch = self._pending[number] = _Batch()
        return batch

    def _added(self, count: int) -> None:
        self._count += count
        self._empty.clear()
        self._more.set()

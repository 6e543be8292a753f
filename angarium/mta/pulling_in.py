"""Mends due times after the clock was wrong: at the start, and whenever it is seen to step back."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from angarium.queue import PartitionNumber, QueueFullError, UnixMs
from angarium.queue.spool import LatestDue

RETRY_S: Final = 1.0  # after a full disk
# Ours: so long after a step another process may still commit by the clock of before.
AGAIN_S: Final = 5.0


class PullsIn(Protocol):
    """The part of ``queue.Partition`` that is used here."""

    @property
    def number(self) -> PartitionNumber: ...

    async def pull_in(self, latest: LatestDue) -> int: ...


class ScheduleBound(Protocol):
    """``record.retry`` has it."""

    def latest_due(
        self, *, now: UnixMs, accepted: UnixMs, attempts: int, was_tried: bool
    ) -> UnixMs: ...


class ClockMender:
    """What was accepted or deferred while the clock was ahead would wait for as long as that was."""

    def __init__(
        self,
        partitions: Iterable[PullsIn],
        schedule: ScheduleBound,
        clock: Callable[[], UnixMs],
        mended: Callable[[int], None],
    ) -> None:
        """``mended`` is told how many recipients were made due earlier."""
        self._partitions = tuple(partitions)
        self._schedule = schedule
        self._clock = clock
        self._mended = mended
        self._asked = asyncio.Event()
        self._asked.set()  # whatever happened while nobody looked

    def clock_stepped_back(self) -> None:
        """Mend at once, and once more when nobody goes by the clock of before any more."""
        self._asked.set()
        asyncio.get_running_loop().call_later(AGAIN_S, self._asked.set)

    async def run(self) -> None:
        """Mend for ever. Raises FencedError, QueueFailedError."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            for partition in self._partitions:
                if count := await self._mend(partition):
                    self._mended(count)

    async def _mend(self, partition: PullsIn) -> int:
        while True:
            try:
                return await partition.pull_in(self._latest)
            except QueueFullError:
                await asyncio.sleep(RETRY_S)

    def _latest(self, accepted: UnixMs, attempts: int, was_tried: bool, /) -> UnixMs:
        return self._schedule.latest_due(
            now=self._clock(), accepted=accepted, attempts=attempts, was_tried=was_tried
        )

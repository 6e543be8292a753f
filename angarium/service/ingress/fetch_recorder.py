"""Has what was fetched in the event log within a second: many in one transaction, and never more in memory than may."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from angarium.queue import Fetched, QueueError
from angarium.queue.events.catalogue import CataloguedKind
from angarium.telemetry.log import log
from angarium.tracking.judging import CopyKey, copy_of

FLUSH_S: Final = 0.15
# Where the disk is low or full
RETRY_S: Final = 1.0
MOST: Final = 20_000  # ours: some 12 MB
AT_ONCE: Final = 1000  # of one transaction
# Of one copy: nobody looks so often, and who knows one address must not fill the log by it
MOST_OF_COPY: Final = 60
COPIES: Final = 100_000  # that are counted
MINUTE_S: Final = 60.0
Record = Callable[[Sequence[CataloguedKind]], Awaitable[None]]


class FetchRecorder:
    """Satisfies ``api.tracked.site.FetchRecord``. Belongs to one event loop.

    FRC1: at most MOST are in memory, those on their way to the disk included; beyond them they are counted as lost.
    FRC2: what ``close`` returned after is on disk, unless the disk takes nothing more.
    """

    def __init__(self, record: Record) -> None:
        """``record``: ``Spool.record``."""
        self._record = record
        self._pending: list[Fetched] = []
        self._under_way: set[asyncio.Future[None]] = set()
        self._held = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_full = False
        self._copies: dict[CopyKey, int] = {}
        self._minute_ends = 0.0
        self.lost = 0  # since the start
        self.repeated = 0  # not kept, as the copy had MOST_OF_COPY in this minute

    @property
    def held(self) -> int:
        """In memory: not on disk yet."""
        return self._held

    def note(self, fetched: Fetched) -> None:
        if self._is_repeated(fetched):
            self.repeated += 1
        elif self._held >= MOST:
            self.lost += 1  # FRC1
        else:
            self._held += 1
            self._pending.append(fetched)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._flush)

    async def close(self) -> None:
        """Have all of it on disk."""
        self._flush()
        while self._under_way:
            await asyncio.wait(set(self._under_way))
        if self._timer is not None:  # the disk did not take it
            self._timer.cancel()
            self.lost += len(self._pending)  # FRC2

    def _is_repeated(self, fetched: Fetched) -> bool:
        now = asyncio.get_running_loop().time()
        if now >= self._minute_ends or len(self._copies) >= COPIES:
            self._copies.clear()
            self._minute_ends = now + MINUTE_S
        key = copy_of(fetched)
        count = self._copies[key] = self._copies.get(key, 0) + 1
        return count > MOST_OF_COPY

    def _flush(self) -> None:
        """Not awaited one by one: then the last ones would wait for the first."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pending, self._pending = self._pending, []
        for start in range(0, len(pending), AT_ONCE):
            task = asyncio.ensure_future(self._write(pending[start : start + AT_ONCE]))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _write(self, batch: list[Fetched]) -> None:
        try:
            await self._record(batch)
        except QueueError as error:
            if not self._is_full:
                log("fetches_not_recorded", "error", reason=str(error))
            self._is_full = True
            self._pending[:0] = batch
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(RETRY_S, self._flush)
        else:
            self._is_full = False
            self._held -= len(batch)

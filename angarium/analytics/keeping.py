"""Keeps the counters in the process that writes them: events in, and what is old out, in a thread of its own."""

import asyncio
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from angarium.analytics.counter_file import CounterFile
from angarium.analytics.counters import DAY_MS, Resolution
from angarium.analytics.forgetting import Forgetting, Kept
from angarium.analytics.rebuilding import NothingKept, Rebuilding, Rebuilt
from angarium.analytics.writing import CounterWriter
from angarium.config.schema import Config
from angarium.host.priority import step_back
from angarium.queue.event_log import EventCursor, EventLog, KeptBack, Position
from angarium.queue.model import UnixMs
from angarium.queue.projecting import Step, begin_projection, forget_old
from angarium.telemetry.log import log

T = TypeVar("T")
ANALYTICS: Final = "analytics"
# Events that are counted in one transaction, where so many wait: what they add to one row is added once
TOGETHER: Final = 2000


class CounterKeeper:
    """An EventConsumer. Its state in the queue is the queue's identity, which never changes."""

    def __init__(
        self,
        config: Config,
        events: EventLog,
        clock: Callable[[], UnixMs],
        random_octets: Callable[[int], bytes],
    ) -> None:
        self._config = config
        self._events = events
        self._clock = clock
        self._random_octets = random_octets
        self._thread = ThreadPoolExecutor(
            1, thread_name_prefix="analytics-writer", initializer=step_back
        )
        self._opened: tuple[CounterFile, CounterWriter] | None = None
        self._begun = asyncio.Event()
        self._kept_back: list[Position] = []  # more follow: they are counted together
        # While all is counted anew, which is one transaction, nobody else writes
        self._writing = asyncio.Lock()

    @property
    def name(self) -> str:
        return ANALYTICS

    def exchange(self, config: Config) -> None:
        """Go by this from now on: after a reload."""
        self._config = config

    async def begin(self, cursor: EventCursor) -> int:
        self._kept_back = []
        begun = await begin_projection(
            self._events, ANALYTICS, cursor, self._random_octets, self._begin
        )
        self._begun.set()
        return begun

    async def handle(self, batch: Sequence[Position]) -> KeptBack | None:
        together = [*self._kept_back, *batch]
        if batch and len(together) < TOGETHER and self._events.last() > batch[-1].sequence:
            self._kept_back = together
            return KeptBack.YES
        async with self._writing:
            await self._in_thread(lambda: self._open()[1].write(together))
        self._kept_back = []
        return None

    async def forget_old(self) -> None:
        """Delete what is older than is kept, now and then, until cancelled."""
        await self._begun.wait()
        await forget_old(
            self._forgetting,
            lambda error: log("analytics_not_trimmed", "error", reason=str(error)),
        )

    async def rebuild(self, tell: Callable[[int], object]) -> Rebuilt | NothingKept:
        """Count anew what the event log has. Until it is done who reads has the figures of before.

        ``tell``: how many events were counted so far. Raises CountersAwayError; then, and where it is cancelled, all
        is as it was.
        """
        await self._begun.wait()
        async with self._writing:
            rebuilding = await self._in_thread(lambda: Rebuilding(*self._open()))
            try:
                rebuilt = await self._rebuild(rebuilding, tell)
            except BaseException:
                # Behind what the thread may still be at, and before whatever comes next
                self._thread.submit(rebuilding.undo)
                raise
            if isinstance(rebuilt, NothingKept):
                await self._in_thread(rebuilding.undo)
            return rebuilt

    async def close(self) -> None:
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def _begin(self, queue: bytes, newest: int) -> int:
        return await self._in_thread(lambda: self._open()[1].begin(queue, newest))

    async def _rebuild(
        self, rebuilding: Rebuilding, tell: Callable[[int], object]
    ) -> Rebuilt | NothingKept:
        first = first_kept(self._events)
        position = await self._in_thread(lambda: rebuilding.begin(first))
        if isinstance(position, NothingKept):
            return position
        counted = 0
        # On the loop: the queue may be closed while a thread still reads
        while batch := self._events.read(position, TOGETHER):
            await self._in_thread(functools.partial(rebuilding.write, batch))
            position = batch[-1].sequence
            counted += len(batch)
            tell(counted)
        return await self._in_thread(rebuilding.finish)

    def _forgetting(self) -> Step:
        analytics, now = self._config.analytics, self._clock()
        days: dict[Resolution, int] = {
            "minute": analytics.keep_minutes_days,
            "hour": analytics.keep_days,
            "day": analytics.keep_daily_days,
        }
        kept = Kept(
            counters={each: UnixMs(now - those * DAY_MS) for each, those in days.items()},
            mail_ms=analytics.keep_days * DAY_MS,
            now=now,
            first_event=first_kept(self._events),
        )
        going: Forgetting | None = None

        def work() -> bool:
            nonlocal going
            going = going or Forgetting(self._open()[0], kept)
            return going.step()

        async def step() -> bool:
            async with self._writing:
                return await self._in_thread(work)

        return step

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> tuple[CounterFile, CounterWriter]:
        if self._opened is None:
            file = CounterFile(Path(self._config.server.data_dir))
            self._opened = (file, CounterWriter(file, 0))
        self._opened[1].keep_ms = self._config.analytics.keep_days * DAY_MS
        return self._opened

    def _close(self) -> None:
        if self._opened is not None:
            self._opened[0].close()


def first_kept(events: EventLog) -> int:
    """Return the oldest event of the log; where it has none, the one that will be next."""
    found = events.read(0, 1)
    return found[0].sequence if found else events.last() + 1

"""Keeps the counters in the process that writes them: events in, and what is old out, in a thread of its own."""

import asyncio
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from angarium.analytics.asked import CountersAwayError
from angarium.analytics.counter_file import CounterFile
from angarium.analytics.writing import CounterWriter
from angarium.config.schema import Config
from angarium.queue.event_log import EventCursor, EventLog, Position
from angarium.queue.model import UnixMs
from angarium.telemetry.log import log

T = TypeVar("T")
ANALYTICS: Final = "analytics"
FORGET_S: Final = 3600.0
# Between two small steps, for whoever reads and writes
FORGET_PAUSE_S: Final = 0.02
_DAY_MS: Final = 86_400_000
_QUEUE_OCTETS: Final = 16


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
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="analytics-writer")
        self._opened: tuple[CounterFile, CounterWriter] | None = None
        self._begun = asyncio.Event()

    @property
    def name(self) -> str:
        return ANALYTICS

    def exchange(self, config: Config) -> None:
        """Go by this from now on: after a reload."""
        self._config = config

    async def begin(self, cursor: EventCursor) -> int:
        queue = cursor.state
        if not queue:
            queue = self._random_octets(_QUEUE_OCTETS)
            # Before it is in the file: one that nobody knows would be another queue's
            await self._events.ack(ANALYTICS, cursor.position, queue)
        newest = self._events.last()
        begun = await self._in_thread(lambda: self._open().begin(queue, newest))
        self._begun.set()
        return begun

    async def handle(self, batch: Sequence[Position]) -> None:
        await self._in_thread(lambda: self._open().write(batch))

    async def forget_old(self) -> None:
        """Delete what is older than is kept, now and then, until cancelled."""
        await self._begun.wait()
        while True:
            before = UnixMs(self._clock() - self._config.analytics.keep_days * _DAY_MS)
            try:
                await self._forget(before)
            except CountersAwayError as error:
                log("analytics_not_trimmed", "error", reason=str(error))
            await asyncio.sleep(FORGET_S)

    async def close(self) -> None:
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def _forget(self, before: UnixMs) -> None:
        after: bytes | None = b""
        while after is not None:
            step = functools.partial(self._forget_step, before, after)
            after = await self._in_thread(step)
            await asyncio.sleep(FORGET_PAUSE_S)

    def _forget_step(self, before: UnixMs, after: bytes) -> bytes | None:
        return self._open().forget(before, after)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> CounterWriter:
        if self._opened is None:
            file = CounterFile(Path(self._config.server.data_dir))
            self._opened = (file, CounterWriter(file))
        return self._opened[1]

    def _close(self) -> None:
        if self._opened is not None:
            self._opened[0].close()

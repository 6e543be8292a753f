"""Keeps the history in the process that writes it: events in, what is old out, and what other consumers ask.

All of it is done in threads of its own, so that no other consumer waits for this database.
"""

import asyncio
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from angarium.config.schema import Config
from angarium.history.opening import history_url, keeps_of
from angarium.history.story import HistoryAwayError, Introduction
from angarium.host.priority import step_back
from angarium.queue.event_log import EventCursor, EventLog, Position
from angarium.queue.model import MessageId, UnixMs
from angarium.queue.projecting import Step, begin_projection, forget_old
from angarium.telemetry.log import log

if TYPE_CHECKING:
    from angarium.history.database import HistoryDatabase
    from angarium.history.projection import Projection
    from angarium.history.reading import SqlReader

T = TypeVar("T")
HISTORY: Final = "history"
_DAY_MS: Final = 86_400_000


class HistoryKeeper:
    """An EventConsumer, and Introductions. Its state in the queue is the queue's identity, which never changes."""

    def __init__(
        self,
        config: Config,
        events: EventLog,
        clock: Callable[[], UnixMs],
        random_octets: Callable[[int], bytes],
    ) -> None:
        self._config = config
        self._retention = config.retention
        self._events = events
        self._clock = clock
        self._random_octets = random_octets
        self._writer = ThreadPoolExecutor(
            1, thread_name_prefix="history-writer", initializer=step_back
        )
        self._asker = ThreadPoolExecutor(1, thread_name_prefix="history-reader")
        self._opened: tuple[HistoryDatabase, Projection, SqlReader] | None = None
        self._begun = asyncio.Event()  # its tables are there

    @property
    def name(self) -> str:
        return HISTORY

    async def begin(self, cursor: EventCursor) -> int:
        begun = await begin_projection(
            self._events, HISTORY, cursor, self._random_octets, self._begin
        )
        self._begun.set()
        return begun

    async def handle(self, batch: Sequence[Position]) -> None:
        await self._in(self._writer, lambda: self._open()[1].write(batch))

    async def abouts(self, message_ids: Sequence[MessageId]) -> dict[MessageId, Introduction]:
        return await self._in(self._asker, lambda: self._reader().introductions(message_ids))

    def projected_to(self) -> int:
        return 0 if self._opened is None else self._opened[1].position

    def exchange(self, config: Config) -> None:
        """Go by what it says of opens and clicks; the rest needs a restart."""
        self._retention = config.retention

    async def forget_old(self) -> None:
        """Delete what is older than is kept, now and then, until cancelled."""
        await self._begun.wait()
        await forget_old(
            self._forgetting,
            lambda error: log("history_not_trimmed", "error", reason=str(error)),
        )

    async def close(self) -> None:
        await self._in(self._writer, self._close)
        self._writer.shutdown()
        self._asker.shutdown()

    async def _begin(self, queue: bytes, newest: int) -> int:
        return await self._in(self._writer, lambda: self._open()[1].begin(queue, newest))

    def _forgetting(self) -> Step:
        """First what nothing happens to any more, then of the rest who opened and clicked long ago."""
        now = self._clock()
        before = UnixMs(now - self._config.history.keep_days * _DAY_MS)
        told_before = UnixMs(now - self._retention.opens_and_clicks_days * _DAY_MS)
        passes = [
            functools.partial(self._forget_step, before),
            functools.partial(self._forget_told_step, told_before),
        ]
        after = 0

        async def step() -> bool:
            nonlocal after
            found = await self._in(self._writer, functools.partial(passes[0], after))
            if found is None:
                del passes[0]
            after = found or 0
            return bool(passes)

        return step

    def _forget_step(self, before: UnixMs, after: int) -> int | None:
        return self._open()[1].forget(before, after)

    def _forget_told_step(self, before: UnixMs, after: int) -> int | None:
        return self._open()[1].forget_told(before, after)

    async def _in(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    def _reader(self) -> "SqlReader":
        if self._opened is None:
            raise HistoryAwayError("the history is not open yet")
        return self._opened[2]

    def _open(self) -> "tuple[HistoryDatabase, Projection, SqlReader]":
        """In the writer's thread."""
        if self._opened is None:
            # Imported where there is a history: SQLAlchemy is 25 MB
            from angarium.history.database import HistoryDatabase
            from angarium.history.projection import Projection
            from angarium.history.reading import SqlReader

            data_dir = Path(self._config.server.data_dir)
            database = HistoryDatabase(history_url(self._config), data_dir)
            projection = Projection(database, keeps_of(self._config))
            self._opened = (database, projection, SqlReader(database, self._clock))
        return self._opened

    def _close(self) -> None:
        if self._opened is not None:
            self._opened[0].close()

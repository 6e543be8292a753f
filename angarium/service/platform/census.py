"""How much is queued for each provider: counted now and then, for commands and metrics alike."""

import asyncio
from collections.abc import Callable
from typing import Final

from angarium.insight.admin.queue_reads import PAGE_LIMIT
from angarium.insight.admin.traffic import AskCensus, QueueCensus
from angarium.queue import Filter, UnixMs
from angarium.queue.administration import QueueAdministration
from angarium.service.admin_socket import Asker, Handlers

# Ours: a count is shown again until it is so old, or so many times as old as it took
FRESH_MS: Final = 1_000
PAUSES: Final = 20


class Census:
    """Invariant CE1: at most a twentieth of the time goes into counting, whoever asks how often."""

    def __init__(self, queue: QueueAdministration, clock: Callable[[], UnixMs]) -> None:
        self._queue = queue
        self._clock = clock
        self._last: QueueCensus | None = None
        self._took_ms = 0
        self._counting = asyncio.Lock()

    def handlers(self) -> Handlers:
        return Handlers().on(AskCensus, self.answer)

    async def answer(self, _: AskCensus, __: Asker) -> QueueCensus:
        return await self.latest()

    async def latest(self) -> QueueCensus:
        async with self._counting:
            last, now = self._last, self._clock()
            # A clock that was set back makes it seem to be of later
            if last is not None and 0 <= now - last.at < max(FRESH_MS, PAUSES * self._took_ms):
                return last  # CE1
            found = await self._queue.breakdown(Filter(), "provider", PAGE_LIMIT)
            at = self._clock()
            self._took_ms = max(at - now, 0)
            self._last = QueueCensus(at=at, by_provider=found)
            return self._last

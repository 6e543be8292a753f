"""Asks the counters from an event loop: one question at a time in a thread, with a bound on how many wait."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from angarium.analytics.asked import CountersAwayError, StatsPage, StatsQuery
from angarium.analytics.counter_file import CounterView
from angarium.analytics.insights.asking import InsightReader
from angarium.analytics.insights.words import Insight
from angarium.analytics.reading import CounterReader
from angarium.queue.model import UnixMs

T = TypeVar("T")
# Ours: what waits beyond that is told to come again
WAITING: Final = 64


class CounterAccess:
    """Invariant CAC1: at most WAITING questions are under way, and others are refused."""

    def __init__(self, data_dir: Path) -> None:
        self._open: Callable[[], CounterReader] = lambda: CounterReader(CounterView(data_dir))
        self._reader: CounterReader | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="analytics-reader")
        self._under_way = 0

    async def ask(self, query: StatsQuery) -> StatsPage:
        """As ``CounterReader.ask``; raises CountersAwayError where too many ask, too."""
        return await self._answered(lambda reader: reader.ask(query))

    async def insights(self, day: int, tenant: str | None, now: UnixMs) -> Sequence[Insight]:
        """As ``InsightReader.ask``; raises CountersAwayError where too many ask, too."""
        return await self._answered(lambda reader: InsightReader(reader).ask(day, tenant, now))

    async def _answered(self, question: Callable[[CounterReader], T]) -> T:
        if self._under_way >= WAITING:  # CAC1
            raise CountersAwayError("too many questions wait for the counters")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, self._answer, question
            )
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """Wait for what is under way."""
        self._thread.shutdown()
        if self._reader is not None:
            self._reader.close()

    def _answer(self, question: Callable[[CounterReader], T]) -> T:
        if self._reader is None:
            self._reader = self._open()
        return question(self._reader)

"""Mirrors angarium/service/platform/census.py."""

import asyncio
from typing import Any

from angarium.queue import UnixMs
from angarium.queue.breakdown import Breakdown, Slice
from angarium.service.platform.census import FRESH_MS, PAUSES, Census

NOTHING = Breakdown(by="provider", slices=(), others=None, total=Slice(value="", ages=[]))


class Queue:
    """Whose count takes ``takes_ms`` of the clock."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self.takes_ms = 0
        self.counted = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    def clock(self) -> UnixMs:
        return UnixMs(self.now)

    async def breakdown(self, *_: Any) -> Breakdown:
        self.counted += 1
        await self.may_end.wait()
        self.now += self.takes_ms
        return NOTHING


def census(queue: Queue) -> Census:
    return Census(queue, queue.clock)  # type: ignore[arg-type]


async def test_a_count_is_made_anew_when_it_is_no_longer_fresh() -> None:
    queue = Queue()
    asked = census(queue)
    assert (await asked.latest()).at == 1_000_000
    queue.now += FRESH_MS - 1
    assert (await asked.latest()).at == 1_000_000
    queue.now += 1
    assert (await asked.latest()).at == 1_000_000 + FRESH_MS
    assert queue.counted == 2


async def test_a_count_that_takes_long_is_made_the_less_often() -> None:
    """CE1."""
    queue = Queue()
    queue.takes_ms = 3_000
    asked = census(queue)
    await asked.latest()
    queue.now += PAUSES * 3_000 - 1
    await asked.latest()
    assert queue.counted == 1
    queue.now += 1
    await asked.latest()
    assert queue.counted == 2


async def test_who_asks_while_it_is_counted_waits_for_the_same_count() -> None:
    queue = Queue()
    queue.may_end.clear()
    asked = census(queue)
    several = [asyncio.create_task(asked.latest()) for _ in range(5)]
    await asyncio.sleep(0)
    queue.may_end.set()
    assert len({id(each) for each in await asyncio.gather(*several)}) == 1
    assert queue.counted == 1


async def test_a_clock_that_was_set_back_keeps_no_old_count() -> None:
    queue = Queue()
    asked = census(queue)
    await asked.latest()
    queue.now -= 3_600_000
    assert (await asked.latest()).at == queue.now

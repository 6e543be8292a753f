"""Mirrors angarium/mta/disk_wait.py."""

import asyncio

import pytest

from angarium.mta import disk_wait
from angarium.mta.disk_wait import until_space
from angarium.queue import QueueFullError


class Disk:
    """Has room from the given try on."""

    def __init__(self, tries: int) -> None:
        self.tries = tries
        self.told = 0

    async def write(self) -> str:
        self.tries -= 1
        if self.tries > 0:
            raise QueueFullError("full")
        return "written"

    def is_full(self) -> None:
        self.told += 1


async def test_it_waits_for_room_and_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_wait, "RETRY_S", 0.001)
    disk = Disk(4)
    assert await until_space(disk.write, asyncio.Event(), disk.is_full) == "written"
    assert (disk.tries, disk.told) == (0, 1)


async def test_with_room_nothing_is_said() -> None:
    disk = Disk(1)
    assert await until_space(disk.write, asyncio.Event(), disk.is_full) == "written"
    assert disk.told == 0


async def test_a_stop_ends_the_wait() -> None:
    disk, stop = Disk(1000), asyncio.Event()
    waiting = asyncio.create_task(until_space(disk.write, stop, disk.is_full))
    async with asyncio.timeout(10):
        while not disk.told:
            await asyncio.sleep(0)
        stop.set()
        with pytest.raises(QueueFullError):
            await waiting

"""Mirrors angarium/service/ingress/fetch_recorder.py: FRC1, FRC2."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from angarium.queue import Fetched, QueueFullError
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.spool import RECORD_WITHIN_S
from angarium.service.ingress import fetch_recorder
from angarium.service.ingress.fetch_recorder import MOST_OF_COPY, FetchRecorder
from tests.queue.conftest import open_lmdb
from tests.queue.samples import FakeClock
from tests.queue.test_recording import fetched


class Disk:
    def __init__(self) -> None:
        self.events: list[CataloguedKind] = []
        self.is_full = False
        self.tried = 0
        self.open = asyncio.Event()
        self.open.set()

    async def record(self, events: Sequence[CataloguedKind]) -> None:
        self.tried += 1
        await self.open.wait()
        if self.is_full:
            raise QueueFullError("full")
        self.events += events


async def test_what_was_noted_is_durable_within_a_second(tmp_path: Path) -> None:
    spool = open_lmdb(tmp_path, FakeClock())
    recorder = FetchRecorder(spool.record)
    began = time.monotonic()
    for number in range(300):
        recorder.note(fetched(number))
    async with asyncio.timeout(20):
        while spool.events.last() < 300:
            await asyncio.sleep(0.01)
    took = time.monotonic() - began
    spool.close()
    assert fetch_recorder.FLUSH_S + RECORD_WITHIN_S < 0.5
    assert took < 5  # of a machine that many share; on one of its own below the second


async def test_closing_has_all_of_it_on_disk() -> None:
    """FRC2"""
    disk = Disk()
    recorder = FetchRecorder(disk.record)
    noted: list[Fetched] = [fetched(number) for number in range(2500)]
    for each in noted:
        recorder.note(each)
    await recorder.close()
    assert disk.events == noted
    assert recorder.lost == 0


async def test_beyond_what_may_be_in_memory_fetches_are_counted_as_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FRC1"""
    monkeypatch.setattr(fetch_recorder, "MOST", 10)
    monkeypatch.setattr(fetch_recorder, "FLUSH_S", 0.0)
    disk = Disk()
    disk.open.clear()
    recorder = FetchRecorder(disk.record)
    for number in range(6):
        recorder.note(fetched(number))
    async with asyncio.timeout(20):
        while not disk.tried:
            await asyncio.sleep(0)
    for number in range(6, 20):
        recorder.note(fetched(number))
    assert recorder.lost == 10
    disk.open.set()
    await recorder.close()
    assert len(disk.events) == 10
    recorder.note(fetched(20))
    await recorder.close()
    assert len(disk.events) == 11


async def test_what_a_full_disk_refuses_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_recorder, "RETRY_S", 0.01)
    monkeypatch.setattr(fetch_recorder, "FLUSH_S", 0.01)
    disk = Disk()
    disk.is_full = True
    recorder = FetchRecorder(disk.record)
    recorder.note(fetched(1))
    async with asyncio.timeout(20):
        while disk.tried < 3:
            await asyncio.sleep(0.005)
    recorder.note(fetched(2))
    disk.is_full = False
    async with asyncio.timeout(20):
        while len(disk.events) < 2:
            await asyncio.sleep(0.005)
    assert disk.events == [fetched(1), fetched(2)]
    assert recorder.lost == 0


async def test_what_no_disk_takes_is_counted_as_lost_at_the_end() -> None:
    """FRC2"""
    disk = Disk()
    disk.is_full = True
    recorder = FetchRecorder(disk.record)
    recorder.note(fetched(1))
    await recorder.close()
    assert recorder.lost == 1


async def test_one_address_does_not_fill_the_log() -> None:
    disk = Disk()
    recorder = FetchRecorder(disk.record)
    for _ in range(MOST_OF_COPY + 30):
        recorder.note(fetched(1))
    recorder.note(fetched(2))
    await recorder.close()
    assert len(disk.events) == MOST_OF_COPY + 1
    assert (recorder.repeated, recorder.lost) == (30, 0)

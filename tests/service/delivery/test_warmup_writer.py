"""Mirrors angarium/service/delivery/warmup_writer.py."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from angarium.config.schema import Warmup
from angarium.queue import QueueFailedError, QueueFullError, UnixMs
from angarium.reputation.warmup import Hindrance
from angarium.reputation.warmups import Warmups, read_kept
from angarium.service.delivery import warmup_writer
from angarium.service.delivery.warmup_writer import WarmupWriter

NOW = UnixMs(1_800_000_000_000)


class Disk:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.writes: list[Mapping[str, bytes | None]] = []
        self.wrote = asyncio.Event()

    def read(self, prefix: str) -> dict[str, bytes]:
        return {}

    async def write(self, changes: Mapping[str, bytes | None], events: Sequence[Any] = ()) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.writes.append(changes)
        self.wrote.set()


def warmups() -> Warmups:
    return Warmups([Warmup(source="ip2", messages_per_hour=(20,))], {}, lambda _: True, NOW)


async def test_what_was_not_written_for_want_of_room_is_written_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warmup_writer, "WRITE_EVERY_S", 0.001)
    found, disk = warmups(), Disk(QueueFullError(), QueueFullError(), RuntimeError("a fault"))
    warmup = found.find("ip2", "p", NOW)
    assert warmup is not None
    assert warmup.find_hindrance(1, NOW) is Hindrance.UNWRITTEN
    found.touch("ip2", "p")
    writer = WarmupWriter(found, disk)
    task = asyncio.create_task(writer.run())
    writer.reserve()
    async with asyncio.timeout(30):
        await disk.wrote.wait()
    await asyncio.sleep(0)
    assert warmup.find_hindrance(1, NOW) is None
    (octets,) = disk.writes[0].values()
    assert octets is not None
    kept = read_kept(octets)
    assert kept is not None
    assert (kept.source, kept.provider) == ("ip2", "p")
    task.cancel()


async def test_a_disk_that_failed_ends_it_and_nothing_more_is_reserved() -> None:
    found, disk = warmups(), Disk(QueueFailedError(), QueueFailedError())
    warmup = found.find("ip2", "p", NOW)
    assert warmup is not None
    warmup.find_hindrance(1, NOW)
    found.touch("ip2", "p")
    writer = WarmupWriter(found, disk)
    writer.reserve()
    async with asyncio.timeout(30):
        await writer.run()
    assert warmup.find_hindrance(1, NOW) is Hindrance.UNWRITTEN
    await writer.close()

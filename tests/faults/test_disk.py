"""A disk that fills up and gets room again under load, and a map that has to grow: nothing is lost.

Invariant 9, for the whole server.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import SEED, Harness, rounds, run_harness
from tests.faults.mounted_disk import MIB, Ballast, MountedDisk
from tests.faults.sink import Trouble

DISK = 24 * MIB
FULL = {
    *("mail_log_failed", "history_failed", "analytics_failed"),
    *("webhooks_failed", "webhooks_outbox_failed", "receiver_reports_failed"),
}
NO_ROOM = {452, 451}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[MountedDisk]:
    point = tmp_path / "disk"
    point.mkdir()
    disk = MountedDisk(f"mount -t tmpfs -o size={DISK} none {point}", point)
    yield disk
    disk.close()


async def until_refused(harness: Harness, more: int = 5) -> None:
    ledger = harness.ledger
    wanted = ledger.refused[452] + more
    await harness.until(lambda: ledger.refused[452] >= wanted, "new mail is refused with 452")


async def until_received(harness: Harness, more: int) -> None:
    wanted = len(harness.sink.received) + more
    await harness.until(lambda: len(harness.sink.received) >= wanted, "mail goes on to arrive")


async def until_readiness_says(harness: Harness, *texts: str) -> None:
    """Any of them."""
    said = ""
    async with asyncio.timeout(20):  # processes tell of themselves once a second
        while not any(text in said for text in texts):
            await asyncio.sleep(0.1)
            said = await harness.server.get("/readyz")


@pytest.mark.slow
async def test_below_the_free_space_mark_new_mail_is_refused_and_delivery_goes_on(
    tmp_path: Path, disk: MountedDisk
) -> None:
    ballast = Ballast(disk)
    async with run_harness(
        tmp_path,
        31,
        wrap=disk.wrap,
        data_dir=tmp_path / "disk" / "data",
        queue=f"min_free_octets = {8 * MIB}",
    ) as harness:
        harness.outside = disk.root
        harness.sink.troubles = (Trouble("mail", "refuse"),)
        harness.load(per_second=150)
        await harness.until_acknowledged(60)
        ballast.leave(6 * MIB)  # below the mark, and room for outcomes
        await until_refused(harness)
        await until_readiness_says(harness, "min_free_octets")
        queued = len(harness.ledger.acknowledged)
        harness.sink.troubles = ()
        await until_received(harness, 20)  # outcomes are recorded below the mark
        assert len(harness.ledger.acknowledged) - queued < 20
        await harness.unload()
        await harness.drained()
        ballast.remove()
        harness.load(per_second=100)
        await harness.until_acknowledged(10)
        await harness.server.wait_ready()
        await harness.finish(errors=FULL, killed=False)
        assert set(harness.ledger.refused) <= {452}


@pytest.mark.slow
async def test_a_disk_that_is_really_full_loses_nothing(tmp_path: Path, disk: MountedDisk) -> None:
    """Without a mark: every write fails, those of outcomes too, until there is room again."""
    ballast = Ballast(disk)
    async with run_harness(
        tmp_path,
        32,
        wrap=disk.wrap,
        data_dir=tmp_path / "disk" / "data",
        queue="min_free_octets = 0",
    ) as harness:
        harness.outside = disk.root
        harness.load(per_second=150)
        await harness.until_acknowledged(20)
        ballast.leave(0)
        await until_refused(harness)
        await until_readiness_says(harness, "outcomes cannot be recorded")
        await until_readiness_says(harness, "new mail is refused: the disk is full")
        ballast.remove()
        await harness.until_acknowledged(10)
        await harness.finish(errors=FULL, killed=False)
        assert set(harness.ledger.refused) <= NO_ROOM


@pytest.mark.slow
@pytest.mark.parametrize("single", [False, True], ids=["processes", "single"])
async def test_a_server_that_starts_on_a_full_disk_waits_for_room_and_then_delivers(
    tmp_path: Path, disk: MountedDisk, single: bool
) -> None:
    ballast = Ballast(disk)
    async with run_harness(
        tmp_path,
        34,
        single=single,
        wrap=disk.wrap,
        data_dir=tmp_path / "disk" / "data",
        queue="min_free_octets = 0",
    ) as harness:
        harness.outside = disk.root
        harness.sink.troubles = (Trouble("dot", "hang"),)  # so that claims are left to be replayed
        harness.load(per_second=150)
        await harness.until_acknowledged(20)
        harness.server.kill_all()
        await harness.unload()
        ballast.leave(0)
        harness.server.start()
        # The queue may have pages to spare, and be written for a while.
        await until_readiness_says(harness, "the disk is full", "outcomes cannot be", '"ok"')
        harness.sink.troubles = ()
        ballast.remove()
        await harness.server.wait_ready()
        await harness.finish(errors=FULL)


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("single", [False, True], ids=["processes", "single"])
async def test_a_disk_that_fills_up_again_and_again_loses_nothing(
    tmp_path: Path, disk: MountedDisk, single: bool
) -> None:
    """With kills while it is full, too: a server that starts on a full disk loses nothing either."""
    ballast = Ballast(disk)
    async with run_harness(
        tmp_path,
        SEED,
        single=single,
        wrap=disk.wrap,
        data_dir=tmp_path / "disk" / "data",
        queue="min_free_octets = 0",
    ) as harness:
        harness.outside = disk.root
        harness.load(per_second=150)
        for number in range(rounds(10)):
            await harness.until_acknowledged(20)
            ballast.leave(harness.chance.choice((0, 4096, 65536, 200_000)))
            await until_refused(harness)
            if number % 3 == 2:
                harness.server.kill_all()
                harness.server.start()
                await asyncio.sleep(harness.chance.uniform(0.5, 2))
            ballast.remove()
            if harness.server.process_or_fail().poll() is not None:  # it could not even start
                harness.server.process = None
                harness.server.start()
            await harness.until_acknowledged(10)
        await harness.finish(errors=FULL | {"process_died", "process_failed", "role_failed"})


@pytest.mark.slow
async def test_a_map_that_has_to_grow_under_load_is_no_limit(tmp_path: Path) -> None:
    """It is doubled again and again, by whichever process meets its end; the others adopt it."""
    async with run_harness(tmp_path, 33, ingress=2, queue="map_octets = 65536") as harness:
        harness.sink.troubles = (Trouble("mail", "refuse"),)  # so that mail piles up
        harness.load(per_second=250, octets=20_000)
        file = harness.server.data_dir / "queue" / "data.mdb"
        await harness.until(lambda: file.stat().st_size > 32 * 65536, "five doublings")
        harness.sink.troubles = ()
        await harness.finish(killed=False)
        assert not harness.ledger.refused

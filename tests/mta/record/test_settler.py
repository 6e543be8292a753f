"""Mirrors angarium/mta/record/settler.py."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from angarium.mta.record import settler as module
from angarium.mta.record.settler import PENDING_LIMIT, Settler
from angarium.queue import (
    Commit,
    DeliveryId,
    FencedError,
    MessageId,
    Moved,
    PartitionNumber,
    QueueFullError,
    Released,
    Settlement,
    UnixMs,
)

FIRST, SECOND = PartitionNumber(0), PartitionNumber(1)


def outcome(index: int) -> Settlement:
    return Released(id=DeliveryId(MessageId(b"\1" * 16), index), due=UnixMs(1))


def moved(index: int, partition: PartitionNumber = FIRST) -> Moved:
    return Moved(
        partition=partition,
        due=UnixMs(1),
        id=DeliveryId(MessageId(b"\1" * 16), index),
        to=PartitionNumber(9),
    )


class Disk:
    """A partition whose commits wait for ``gate``, and may fail."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.trouble: Exception | None = None
        self.tries = 0
        self.commits: list[Commit] = []

    async def commit(self, commit: Commit) -> None:
        self.tries += 1
        await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        self.commits.append(commit)

    @property
    def written(self) -> list[int]:
        return [each.id.index for commit in self.commits for each in commit.settled]


class Bench:
    def __init__(self) -> None:
        self.disks = {FIRST: Disk(), SECOND: Disk()}
        self.settler = Settler(cast("Any", self.disks))
        self.first, self.second = self.disks[FIRST], self.disks[SECOND]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.settler.run())
        try:
            async with asyncio.timeout(10):
                yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await asyncio.sleep(0)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(module, "RETRY_S", 0.001)
    return Bench()


async def test_outcomes_of_one_moment_share_a_commit(bench: Bench) -> None:
    for index in range(3):
        bench.settler.settle(FIRST, [outcome(index)])
    async with bench.running():
        await bench.settler.flush()
    assert [len(each.settled) for each in bench.first.commits] == [3]


async def test_outcomes_and_the_notification_about_them_share_a_commit(bench: Bench) -> None:
    dsn: Any = object()
    bench.settler.settle(FIRST, [outcome(0), outcome(1)], [dsn])
    async with bench.running():
        await bench.settler.flush()
    (commit,) = bench.first.commits
    assert (len(commit.settled), list(commit.submissions)) == (2, [dsn])


async def test_se1_outcomes_reach_the_disk_in_the_order_given(bench: Bench) -> None:
    async with bench.running():
        bench.first.gate.clear()
        bench.settler.settle(FIRST, [outcome(0)])
        await bench.until(lambda: bench.first.tries == 1)
        for index in range(1, 5):  # while the first is being written
            bench.settler.settle(FIRST, [outcome(index)])
        bench.first.gate.set()
        await bench.settler.flush()
    assert bench.first.written == [0, 1, 2, 3, 4]
    assert [len(each.settled) for each in bench.first.commits] == [1, 4]


async def test_each_partition_gets_its_own(bench: Bench) -> None:
    bench.settler.settle(FIRST, [outcome(0)])
    bench.settler.settle(SECOND, [outcome(1)])
    bench.settler.move(moved(2, SECOND))
    async with bench.running():
        await bench.settler.flush()
    assert (bench.first.written, bench.second.written) == ([0], [1])
    assert [each.id.index for each in bench.second.commits[0].moved] == [2]


async def test_flush_returns_once_all_is_on_disk_and_at_once_when_nothing_is_pending(
    bench: Bench,
) -> None:
    async with bench.running():
        await bench.settler.flush()
        bench.first.gate.clear()
        bench.settler.settle(FIRST, [outcome(0)])
        flushing = asyncio.create_task(bench.settler.flush())
        await bench.until(lambda: bench.first.tries == 1)
        assert not flushing.done()
        bench.first.gate.set()
        await flushing
    assert bench.first.written == [0]


async def test_invariant_9_while_the_disk_is_full_it_is_not_clear_and_loses_nothing(
    bench: Bench,
) -> None:
    bench.first.trouble = QueueFullError("full")
    async with bench.running():
        assert bench.settler.is_clear
        bench.settler.settle(FIRST, [outcome(0)])
        await bench.until(lambda: bench.first.tries > 2)
        assert not bench.settler.is_clear
        bench.settler.settle(FIRST, [outcome(1)])
        bench.first.trouble = None
        await bench.settler.flush()
        assert bench.settler.is_clear
    assert bench.first.written == [0, 1]


async def test_room_for_one_partition_does_not_hide_that_another_has_none(bench: Bench) -> None:
    bench.first.trouble = QueueFullError("full")
    bench.second.gate.clear()
    async with bench.running():
        bench.settler.settle(FIRST, [outcome(0)])
        bench.settler.settle(SECOND, [outcome(1)])
        await bench.until(lambda: bench.first.tries > 0 and not bench.settler.is_clear)
        bench.first.gate.clear()  # its next try waits
        bench.second.gate.set()
        await bench.until(lambda: bench.second.written == [1])
        await asyncio.sleep(0)
        assert not bench.settler.is_clear
        bench.first.trouble = None
        bench.first.gate.set()
        await bench.settler.flush()
        assert bench.settler.is_clear


async def test_too_much_that_is_not_on_disk_stops_new_claims(bench: Bench) -> None:
    bench.settler.settle(FIRST, [outcome(index) for index in range(PENDING_LIMIT - 1)])
    assert bench.settler.is_clear
    bench.settler.move(moved(PENDING_LIMIT))
    assert not bench.settler.is_clear
    async with bench.running():
        await bench.settler.flush()
    assert bench.settler.is_clear


async def test_a_partition_that_was_lost_ends_it(bench: Bench) -> None:
    bench.first.trouble = FencedError("another owner")
    bench.settler.settle(FIRST, [outcome(0)])
    async with asyncio.timeout(10):
        with pytest.raises(FencedError):
            await bench.settler.run()

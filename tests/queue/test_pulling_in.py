"""Mirrors Partition.pull_in: what is due later than it may be is made due then, in every implementation."""

from typing import Any

import pytest

from angarium.queue import (
    Commit,
    Deferred,
    FencedError,
    MessageIdGenerator,
    PartitionNumber,
    UnixMs,
)
from angarium.queue.lmdb import pulling_in
from tests.queue.samples import FakeClock, attempt, submission

P0 = PartitionNumber(0)
FAR = UnixMs(1 << 47)


def dues(partition: Any) -> list[int]:
    return [each.due for each in partition.due(FAR, 1000).heads]


async def deferred(spool: Any, clock: FakeClock, new_id: MessageIdGenerator, due: int) -> Any:
    await spool.accept([submission(new_id())])
    partition = await spool.own(P0, "here")
    (message,) = await partition.claim(partition.due(clock(), 1).heads)
    settled = [
        Deferred(id=each.id, due=UnixMs(due), attempt=attempt(451)) for each in message.recipients
    ]
    await partition.commit(Commit(settled=settled))
    return partition


async def test_only_what_is_due_too_late_becomes_due_earlier(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await deferred(spool, clock, new_id, clock.now + 500)
    clock.now += 7_200_000
    await spool.accept([submission(new_id())])  # by a clock that is ahead
    clock.now -= 7_200_000
    asked: list[tuple[int, int, bool]] = []

    def latest(accepted: UnixMs, attempts: int, was_tried: bool, /) -> UnixMs:
        asked.append((accepted - clock.now, attempts, was_tried))
        return UnixMs(clock.now + 500) if was_tried else clock.now

    events = spool.events.last()
    assert await partition.pull_in(latest) == 1
    assert dues(partition) == [clock.now, clock.now + 500]
    assert sorted(asked) == [(0, 1, True), (7_200_000, 0, False)]
    assert spool.events.last() == events
    assert await partition.pull_in(latest) == 0


async def test_what_is_due_is_left_alone(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    await spool.accept([submission(new_id())])
    partition = await spool.own(P0, "here")
    due = dues(partition)
    clock.now += 10
    assert await partition.pull_in(lambda *_: UnixMs(0)) == 0
    assert dues(partition) == due


async def test_an_earlier_owner_makes_nothing_earlier(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await deferred(spool, clock, new_id, clock.now + 500)
    await spool.own(P0, "there")
    with pytest.raises(FencedError):
        await partition.pull_in(lambda *_: clock.now)


async def test_a_large_queue_is_read_in_parts(
    lmdb_spool: Any,
    clock: FakeClock,
    new_id: MessageIdGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulling_in, "PAGE", 3)
    monkeypatch.setattr("angarium.queue.lmdb.partition.PAUSE_S", 0)
    partition = await lmdb_spool.own(P0, "here")
    clock.now += 7_200_000
    for _ in range(10):
        await lmdb_spool.accept([submission(new_id())])
        clock.now += 1
    clock.now -= 7_200_010
    before = lmdb_spool.transactions
    assert await partition.pull_in(lambda *_: clock.now) == 10
    assert lmdb_spool.transactions - before == 4
    assert dues(partition) == [clock.now] * 10

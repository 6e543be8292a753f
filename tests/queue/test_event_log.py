"""Mirrors angarium/queue/event_log.py: what it promises of departures, held against every implementation."""

from typing import Any

from angarium.queue import (
    Commit,
    Deferred,
    Delivered,
    Done,
    MessageIdGenerator,
    PartitionNumber,
    UnixMs,
)
from tests.queue.samples import FAR, FakeClock, attempt, submission


async def test_departures_are_found_in_stretches(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    """Of two messages of four, one recipient each left; events of 1 to 4 are acceptances."""
    mails = [submission(new_id(), ("a@one.example", "b@one.example")) for _ in range(4)]
    await spool.accept(mails)
    clock.now += 60_000
    partition = await spool.own(PartitionNumber(0), "n")
    for claimed in await partition.claim(partition.due(clock(), 10).heads):
        first, second = claimed.recipients
        settled = (
            Done(id=first.id, outcome="delivered", attempt=attempt(at=clock.now)),
            Deferred(id=second.id, due=UnixMs(FAR), attempt=attempt(450, clock.now)),
        )
        await partition.commit(Commit(settled=settled))
    log = spool.events
    wanted = {mails[1].message_id, mails[3].message_id}
    seen, after = [], 0
    while True:
        found = log.departures(wanted, after, 3)
        seen += found.events
        assert found.last <= after + 3
        after = found.last
        if found.is_end:
            break
    assert after == log.last() == 12
    assert all(isinstance(each, Delivered) and each.index == 0 for each in seen)
    assert [each.message_id for each in seen] == [mails[1].message_id, mails[3].message_id]
    assert log.departures((), 0, 100).events == ()
    assert log.departures(wanted, 12, 5) == log.departures((), 12, 5)


async def test_the_first_event_of_a_time_is_found(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    log = spool.events
    assert log.first_at(clock.now) == 1
    begun = clock.now
    for _ in range(5):
        await spool.accept([submission(new_id(), accepted=UnixMs(clock.now))])
        clock.now += 1000
    assert [log.first_at(begun + 1000 * each) for each in range(5)] == [1, 2, 3, 4, 5]
    assert log.first_at(begun + 1) == 2
    assert log.first_at(begun + 99_000) == 5
    assert log.first_at(0) == 1

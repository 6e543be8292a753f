"""Mirrors angarium/queue/lmdb/committer.py: group commit beside a busy loop, cancelled waiters, shutdown."""

import asyncio
import threading
import time
import types
from pathlib import Path
from typing import Any

import pytest
import uvloop

from angarium.config.schema import Queue
from angarium.queue import (
    Commit,
    Done,
    LmdbSpool,
    MessageIdGenerator,
    PartitionNumber,
    QueueError,
    RouteHint,
)
from angarium.queue.lmdb import committer as committer_module
from angarium.queue.lmdb import spool as lmdb_spool_module
from angarium.queue.lmdb.transaction import Batch
from tests.queue.samples import FakeClock, attempt, make_ids, submission

CONFIG = Queue(partitions=2, map_octets=1 << 20, min_free_octets=0)
P0 = PartitionNumber(0)


async def test_what_is_pending_goes_into_one_transaction(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator
) -> None:
    before = lmdb_spool.transactions
    await asyncio.gather(*(lmdb_spool.accept([submission(new_id())]) for _ in range(200)))
    assert lmdb_spool.transactions - before <= 5
    assert lmdb_spool.summary().messages == 200


async def test_a_transaction_is_bounded(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer_module, "MAX_OPERATIONS", 10)
    monkeypatch.setattr(committer_module, "MAX_OCTETS", 50_000)
    sizes: list[int] = []
    lmdb_spool.observe_commits(lambda _seconds, operations: sizes.append(operations))
    small = [submission(new_id()) for _ in range(40)]
    large = [submission(new_id(), content=bytes(60_000)) for _ in range(3)]
    await asyncio.gather(*(lmdb_spool.accept([each]) for each in small + large))
    assert sum(sizes) == 43
    assert max(sizes) <= 10
    assert sizes[-3:] == [1, 1, 1]


async def test_one_refused_operation_does_not_hurt_the_others(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    first = submission(new_id())
    await lmdb_spool.accept([first])
    old = await lmdb_spool.own(P0, "old")
    await lmdb_spool.own(P0, "new")
    results = await asyncio.gather(
        lmdb_spool.accept([submission(new_id())]),
        lmdb_spool.accept([submission(new_id()), first]),  # raises after it has written
        old.claim(old.due(clock(), 1).heads),
        lmdb_spool.accept([submission(new_id())]),
        return_exceptions=True,
    )
    assert [type(each).__name__ for each in results] == [
        "NoneType",
        "DuplicateMessageError",
        "FencedError",
        "NoneType",
    ]
    assert lmdb_spool.summary().messages == 3


async def test_the_loop_stands_still_while_the_committer_puts_and_runs_during_the_fsync(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []
    serve = committer_module._Park.serve

    def watched(park: committer_module._Park) -> None:
        served.append("parked")
        serve(park)
        served.append("goes on")

    monkeypatch.setattr(committer_module._Park, "serve", watched)
    await lmdb_spool.accept([submission(new_id())])
    assert served == ["parked", "goes on"]


async def test_a_busy_loop_gives_way_between_two_pieces_of_work(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer_module, "PARK_WAIT_S", 30.0)
    durable: list[float] = []
    lmdb_spool.observe_commits(lambda _seconds, _count: durable.append(time.monotonic()))
    waiter = asyncio.ensure_future(lmdb_spool.accept([submission(new_id())]))
    await asyncio.sleep(0)
    asked = time.monotonic()
    while not durable and time.monotonic() < asked + 5:  # never back to the loop
        sum(range(100))
        lmdb_spool.give_way()
    assert durable
    await waiter  # CM1
    assert lmdb_spool.summary().messages == 1


async def test_outcomes_go_with_the_next_transaction_or_soon_alone(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    await lmdb_spool.accept([submission(new_id()), submission(new_id())])
    partition = await lmdb_spool.own(P0, "here")
    first, second = await partition.claim(partition.due(clock(), 2).heads)
    before = lmdb_spool.transactions
    outcome = Done(id=first.recipients[0].id, outcome="delivered", attempt=attempt())
    recorded = asyncio.ensure_future(partition.commit(Commit(settled=[outcome])))
    await asyncio.sleep(0)
    await lmdb_spool.accept([submission(new_id())])
    await recorded
    assert lmdb_spool.transactions - before == 1
    outcome = Done(id=second.recipients[0].id, outcome="delivered", attempt=attempt())
    async with asyncio.timeout(5):
        await partition.commit(Commit(settled=[outcome]))
    assert lmdb_spool.summary().in_flight == 0


class _Slow:
    """A transactor whose transactions end when they are let."""

    def __init__(self) -> None:
        self.made: list[list[str]] = []
        self.drained = threading.Event()
        self.may_end = threading.Semaphore(0)

    def run(self, operations: list[Any], more: Any = None, **_hooks: Any) -> Batch:
        operations.extend(more())
        self.made.append([each.name for each in operations])
        self.drained.set()
        assert self.may_end.acquire(timeout=5)
        return Batch(operations, [None] * len(operations), set())


def _named(name: str) -> Any:
    return types.SimpleNamespace(name=name, octets=1)


async def test_what_waits_for_company_gets_no_transaction_because_another_was_under_way() -> None:
    """CM2, CM3: it goes with the next one that is wanted, before what came behind it, or when its time is over."""
    slow = _Slow()
    loop = asyncio.get_running_loop()
    committer = committer_module.Committer(slow, loop, lambda: 0, lambda: None)  # type: ignore[arg-type]
    urgent = committer.submit(_named("urgent"))
    await asyncio.to_thread(slow.drained.wait, 5)
    lazy = committer.submit_lazily(_named("lazy"), within_s=60)
    slow.may_end.release()
    await urgent
    next_one = committer.submit(_named("next"))
    slow.may_end.release()
    await asyncio.gather(lazy, next_one)
    late = committer.submit_lazily(_named("late"), within_s=0.001)
    slow.may_end.release()
    await asyncio.wait_for(late, 5)
    assert slow.made == [["urgent"], ["lazy", "next"], ["late"]]
    left = committer.submit_lazily(_named("left"), within_s=60)
    slow.may_end.release()
    committer.close()
    await left
    assert slow.made[3:] == [["left"]]


async def test_what_one_transaction_has_no_room_for_is_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CM2: also where only those before it were urgent."""
    monkeypatch.setattr(committer_module, "MAX_OPERATIONS", 2)
    slow = _Slow()
    loop = asyncio.get_running_loop()
    committer = committer_module.Committer(slow, loop, lambda: 0, lambda: None)  # type: ignore[arg-type]
    waiting = [committer.submit_lazily(_named(f"lazy{n}"), within_s=60) for n in range(3)]
    waiting.append(committer.submit(_named("urgent")))
    for _ in range(2):
        slow.may_end.release()
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    committer.close()
    assert slow.made == [["lazy0", "lazy1"], ["lazy2", "urgent"]]


async def test_a_cancelled_claim_is_given_back(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    await lmdb_spool.accept([submission(new_id())])
    partition = await lmdb_spool.own(P0, "here")
    found = partition.due(clock(), 1).heads
    claiming = asyncio.ensure_future(partition.claim(found))
    await asyncio.sleep(0)  # submitted
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    for position in (1, 2):  # behind the claim, then behind its being given back
        await lmdb_spool.events.ack("any", position)
    assert lmdb_spool.summary().in_flight == 0
    (message,) = await partition.claim(partition.due(clock(), 1).heads)
    assert message.recipients[0].attempts == 0
    done = Done(id=message.recipients[0].id, outcome="delivered", attempt=attempt())
    await partition.commit(Commit(settled=[done]))


async def test_a_cancelled_commit_is_done_all_the_same(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    await lmdb_spool.accept([submission(new_id())])
    partition = await lmdb_spool.own(P0, "here")
    (message,) = await partition.claim(partition.due(clock(), 1).heads)
    done = Done(id=message.recipients[0].id, outcome="delivered", attempt=attempt())
    committing = asyncio.ensure_future(partition.commit(Commit(settled=[done])))
    await asyncio.sleep(0)
    committing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await committing
    await lmdb_spool.events.ack("any", 1)
    assert lmdb_spool.summary().recipients == 0


async def test_a_route_is_written_with_the_next_transaction_or_soon_alone(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lmdb_spool_module, "ROUTES_WITHIN_S", 0.01)
    hint = RouteHint(domain="example.net", partition=P0, provider="google", site="g")
    spool = LmdbSpool.open(tmp_path / "queue", CONFIG, clock)
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    spool.observe_commits(lambda _seconds, _count: loop.call_soon_threadsafe(done.set))
    spool.remember_routes([hint])
    spool.remember_routes([hint])  # nothing new
    async with asyncio.timeout(5):
        await done.wait()
    assert spool.transactions == 1
    spool.remember_routes([hint])
    spool.close()
    spool = LmdbSpool.open(tmp_path / "queue", CONFIG, clock)
    assert spool.find_route("example.net") == hint
    spool.close()


async def test_close_commits_what_is_pending(
    tmp_path: Path, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    spool = LmdbSpool.open(tmp_path / "queue", CONFIG, clock)
    pending = asyncio.ensure_future(spool.accept([submission(new_id())]))
    await asyncio.sleep(0)
    spool.close()
    await asyncio.wait_for(pending, 5)
    with pytest.raises(QueueError):
        await spool.accept([submission(new_id())])
    spool.close()  # again is no error


def test_close_after_the_loop_has_gone_does_not_hang(tmp_path: Path, clock: FakeClock) -> None:
    loop = asyncio.new_event_loop()
    spool = LmdbSpool.open(tmp_path / "queue", CONFIG, clock, loop)
    new_id = make_ids(clock)

    async def submit_only() -> None:
        task = asyncio.ensure_future(spool.accept([submission(new_id())]))
        await asyncio.sleep(0)
        task.cancel()

    loop.run_until_complete(submit_only())
    loop.close()
    started = time.monotonic()
    spool.close()
    assert time.monotonic() - started < 5
    spool = LmdbSpool.open(tmp_path / "queue", CONFIG, clock, asyncio.new_event_loop())
    assert spool.summary().messages == 1
    spool._committer._loop.close()
    spool.close()


def test_a_busy_uvloop_does_not_starve_the_committer(tmp_path: Path, clock: FakeClock) -> None:
    async def run() -> int:
        spool = LmdbSpool.open(tmp_path / "queue", CONFIG, clock)
        new_id = make_ids(clock)
        stop = False

        async def burn() -> None:
            while not stop:
                until = time.perf_counter() + 0.0005
                while time.perf_counter() < until:
                    pass
                await asyncio.sleep(0)

        burning = asyncio.ensure_future(burn())
        async with asyncio.timeout(20):
            for _ in range(10):
                await asyncio.gather(*(spool.accept([submission(new_id())]) for _ in range(20)))
        stop = True
        await burning
        count = spool.summary().messages
        spool.close()
        return count

    others = set(threading.enumerate())
    assert uvloop.run(run()) == 200
    left = set(threading.enumerate()) - others
    assert not [each for each in left if each.name == "queue-committer"]


async def test_what_nobody_waits_for_any_more_is_withdrawn(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator
) -> None:
    """FACTS: a client that was told 451 comes again; what it was not promised must not leave twice."""
    message = submission(new_id(), ["bob@example.net", "carol@example.org"])
    asyncio.ensure_future(lmdb_spool.accept([message])).cancel()
    await lmdb_spool.accept([submission(new_id())])  # committed with it, or behind it
    async with asyncio.timeout(5):
        while lmdb_spool.summary().messages != 1:
            await asyncio.sleep(0.005)
    kinds = [type(each.event).__name__ for each in lmdb_spool.events.read(0, 10)]
    assert kinds == ["MessageAccepted", "MessageAccepted", "Cancelled", "Cancelled"]

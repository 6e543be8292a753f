"""Mirrors angarium/queue/lmdb/administration/operator.py and what it is made of: what the CLI does to a queue."""

import asyncio
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb
import msgspec
import pytest

from angarium.config.schema import Queue
from angarium.queue import (
    Bounced,
    Cancelled,
    Commit,
    Deferred,
    DeliveryId,
    Done,
    EmptyFilterError,
    EventCursor,
    Filter,
    HoldRule,
    LmdbSpool,
    MessageAccepted,
    MessageId,
    MessageIdGenerator,
    NotClaimedError,
    OperatorHeld,
    OperatorReleased,
    OperatorRetried,
    PartitionNumber,
    QueueOperator,
    ReportBounced,
    RouteHint,
    UnixMs,
    delivery_id_text,
    message_id_text,
)
from angarium.queue.lmdb import history
from angarium.queue.lmdb.administration import administering, entry_reading
from angarium.queue.lmdb.administration.acts import ActOn
from angarium.queue.lmdb.administration.rule_acts import WIND_UP_LIMIT, AddRule, EndRule, WindUpRule
from angarium.queue.lmdb.claiming import Claim
from angarium.queue.lmdb.keys import claim_key
from angarium.queue.lmdb.transaction import OperationFailure, Transactor
from tests.queue.samples import BY, START, FakeClock, attempt, submission

CONFIG = Queue(partitions=4, map_octets=1 << 20, min_free_octets=0)
P0 = PartitionNumber(0)


@pytest.fixture
def rung() -> list[int]:
    return []


@pytest.fixture
def beside(lmdb_spool: LmdbSpool, clock: FakeClock, rung: list[int]) -> QueueOperator:
    """An operator that shares the server's environment: one process may open it only once."""
    return QueueOperator(lmdb_spool._env, clock, rung.append)


@pytest.fixture
async def filled(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, clock: FakeClock
) -> list[bytes]:
    """Three messages: one to two recipients, one of another tenant and sender, one newer and large."""
    ids = [new_id() for _ in range(3)]
    await lmdb_spool.accept(
        [
            submission(ids[0], ["a@one.example", "b@two.example"]),
            submission(ids[1], ["c@one.example"], tenant="acme", sender="shop@acme.example"),
        ]
    )
    clock.now += 60_000
    await lmdb_spool.accept(
        [submission(ids[2], ["d@three.example"], accepted=clock.now, content=bytes(9000))]
    )
    return ids


def found(operator: QueueOperator, **conditions: Any) -> list[str]:
    page = operator.page(Filter(**conditions), None, 100)
    return [entry.recipient[0] for entry in page.entries]


async def test_each_condition_of_a_filter_selects(
    beside: QueueOperator, filled: list[bytes], lmdb_spool: LmdbSpool, clock: FakeClock
) -> None:
    assert found(beside) == ["a", "b", "c", "d"]
    assert found(beside, tenants=("acme",)) == ["c"]
    assert found(beside, senders=("SHOP@acme.example",)) == ["c"]
    assert found(beside, senders=("@example.com",)) == ["a", "b", "d"]
    assert found(beside, recipients=("B@two.example",)) == ["b"]
    assert found(beside, domains=("one.example",)) == ["a", "c"]
    assert found(beside, domains=("one.example",), tenants=("acme",)) == ["c"]
    assert found(beside, older_than_ms=60_000) == ["a", "b", "c"]
    assert found(beside, ids=[message_id_text(filled[0])]) == ["a", "b"]
    assert found(beside, ids=[message_id_text(filled[0]) + ".1"]) == ["b"]
    assert found(beside, ids=[message_id_text(bytes(16))]) == []
    lmdb_spool.remember_routes(
        [RouteHint(domain="one.example", partition=P0, provider="google", site="g")]
    )
    await lmdb_spool.events.ack("any", 0)  # the hint is written with the next commit
    assert found(beside, providers=("google",)) == ["a", "c"]
    partition = await lmdb_spool.own(P0, "here")
    await partition.claim(partition.due(clock(), 1).heads)
    beside.act("hold", Filter(tenants=("acme",)), BY)
    assert found(beside, states=("in_flight",)) == ["a"]
    assert found(beside, states=("held",)) == ["c"]
    assert found(beside, states=("scheduled",)) == ["b", "d"]
    with pytest.raises(ValueError, match="not a message id"):
        found(beside, ids=["rubbish"])


async def test_an_entry_tells_what_stands_in_the_queue(
    beside: QueueOperator, filled: list[bytes], lmdb_spool: LmdbSpool, clock: FakeClock
) -> None:
    partition = await lmdb_spool.own(P0, "here")
    heads = partition.due(clock(), 1).heads
    await partition.claim(heads)
    later = UnixMs(clock.now + 5)
    deferred = Deferred(id=heads[0].id, due=later, attempt=attempt(451))
    await partition.commit(Commit(settled=[deferred]))
    entry = beside.page(Filter(), None, 1).entries[0]
    assert (entry.id, entry.state, entry.due) == (DeliveryId(filled[0], 0), "scheduled", later)
    assert (entry.sender, entry.recipient, entry.domain) == (
        "alice@example.com",
        "a@one.example",
        "one.example",
    )
    assert (entry.accepted, entry.attempts, entry.in_doubt) == (START, 1, 0)
    assert entry.last == attempt(451)
    assert entry.size_octets == 21


async def test_pages_follow_each_other_by_their_cursor(
    beside: QueueOperator, lmdb_spool: LmdbSpool, new_id: MessageIdGenerator
) -> None:
    ids = [new_id() for _ in range(450)]
    await lmdb_spool.accept(
        [submission(each, tenant="odd" if n % 2 else "even") for n, each in enumerate(ids)]
    )
    seen: list[bytes] = []
    after, pages = None, 0
    while True:
        page = beside.page(Filter(tenants=("odd",)), after, 100)
        seen += [entry.id.message_id for entry in page.entries]
        pages += 1
        after = page.cursor
        if after is None:
            break
    assert seen == ids[1::2]
    assert pages == 3


@pytest.mark.parametrize("act", ["hold", "release", "retry", "cancel"])
def test_an_empty_filter_is_refused(beside: QueueOperator, act: str) -> None:
    with pytest.raises(EmptyFilterError):
        beside.act(act, Filter(), BY)  # type: ignore[arg-type]


async def test_held_recipients_are_not_due_until_released(
    beside: QueueOperator,
    filled: list[bytes],
    lmdb_spool: LmdbSpool,
    clock: FakeClock,
    rung: list[int],
) -> None:
    partition = await lmdb_spool.own(P0, "here")
    assert beside.act("hold", Filter(domains=("one.example",)), BY, dry_run=True).count == 2
    assert len(partition.due(clock(), 9).heads) == 4
    held = beside.act("hold", Filter(domains=("one.example",)), BY)
    assert (held.count, held.ids) == (2, (DeliveryId(filled[0], 0), DeliveryId(filled[1], 0)))
    assert len(partition.due(clock(), 9).heads) == 2
    assert beside.act("hold", Filter(domains=("one.example",)), BY).unchanged == 2
    assert beside.act("retry", Filter(domains=("one.example",)), BY).unchanged == 2
    assert beside.summary().held == 2
    assert rung == []
    clock.now += 7
    assert beside.act("release", Filter(states=("held",)), BY).count == 2
    assert rung == [0]
    assert [head.due for head in partition.due(clock(), 9).heads][-2:] == [clock.now] * 2
    kinds = [type(each.event) for each in lmdb_spool.events.read(3, 9)]
    assert kinds == [OperatorHeld] * 2 + [OperatorReleased] * 2


async def test_retry_makes_a_deferred_recipient_due_now(
    beside: QueueOperator,
    lmdb_spool: LmdbSpool,
    new_id: MessageIdGenerator,
    clock: FakeClock,
    rung: list[int],
) -> None:
    await lmdb_spool.accept([submission(new_id(), not_before=START + 10**6)])
    partition = await lmdb_spool.own(P0, "here")
    assert partition.due(clock(), 9).heads == ()
    assert beside.act("retry", Filter(tenants=("default",)), BY).count == 1
    assert [head.due for head in partition.due(clock(), 9).heads] == [START]
    assert rung == [0]
    assert isinstance(lmdb_spool.events.read(1, 1)[0].event, OperatorRetried)


async def test_a_cancelled_message_is_gone_with_its_content(
    beside: QueueOperator, filled: list[bytes], lmdb_spool: LmdbSpool
) -> None:
    first = message_id_text(filled[0])
    assert beside.act("cancel", Filter(ids=[first + ".0"]), BY).count == 1
    assert beside.show_content(filled[0], "all", BY) is not None
    assert beside.act("cancel", Filter(ids=[first]), BY).count == 1
    assert beside.show_content(filled[0], "all", BY) is None
    assert beside.summary().recipients == 2
    assert isinstance(lmdb_spool.events.read(3, 1)[0].event, Cancelled)


async def test_what_is_in_flight_is_left_alone_and_reported(
    beside: QueueOperator, filled: list[bytes], lmdb_spool: LmdbSpool, clock: FakeClock
) -> None:
    partition = await lmdb_spool.own(P0, "here")
    await partition.claim(partition.due(clock(), 1).heads)
    result = beside.act("cancel", Filter(domains=("one.example",)), BY)
    assert (result.count, result.in_flight) == (1, 1)
    done = Done(id=DeliveryId(filled[0], 0), outcome="delivered", attempt=attempt())
    await partition.commit(Commit(settled=[done]))


async def test_large_acts_are_cut_into_bounded_transactions(
    beside: QueueOperator,
    lmdb_spool: LmdbSpool,
    new_id: MessageIdGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(administering, "ACT_LIMIT", 10)
    monkeypatch.setattr(administering, "NAMED_LIMIT", 5)
    await lmdb_spool.accept([submission(new_id()) for _ in range(25)])
    progress: list[int] = []
    result = beside.act("cancel", Filter(tenants=("default",)), BY, progress=progress.append)
    assert progress == [10, 20, 25]
    assert (result.count, len(result.ids)) == (25, 5)
    assert beside.summary().messages == 0


async def test_summary_counts_every_state(
    beside: QueueOperator, filled: list[bytes], lmdb_spool: LmdbSpool, clock: FakeClock
) -> None:
    partition = await lmdb_spool.own(P0, "here")
    await partition.claim(partition.due(clock(), 1).heads)
    beside.act("hold", Filter(tenants=("acme",)), BY)
    summary = beside.summary()
    assert (summary.messages, summary.recipients) == (3, 4)
    assert (summary.scheduled, summary.in_flight, summary.held) == (2, 1, 1)
    assert summary.events == 4
    assert 0 < summary.used_octets <= summary.file_octets
    # The disk is not ours alone
    other = msgspec.structs.replace(lmdb_spool.summary(), free_disk_octets=summary.free_disk_octets)
    assert summary == other


async def test_show_tells_the_story_of_a_message_queued_or_finished(
    beside: QueueOperator, filled: list[bytes], lmdb_spool: LmdbSpool, clock: FakeClock
) -> None:
    partition = await lmdb_spool.own(P0, "here")
    heads = partition.due(clock(), 2).heads
    await partition.claim(heads)
    settled = [
        Done(id=heads[0].id, outcome="delivered", attempt=attempt()),
        Deferred(id=heads[1].id, due=UnixMs(clock.now), attempt=attempt(451)),
    ]
    await partition.commit(Commit(settled=settled))
    shown = beside.show(filled[0])
    assert shown is not None
    assert shown.queued
    assert shown.header_from == "example.com"
    assert [entry.recipient for entry in shown.entries] == ["b@two.example"]
    assert [type(each.event).__name__ for each in shown.events] == [
        "MessageAccepted",
        "Delivered",
        "AttemptFailed",
    ]
    beside.act("cancel", Filter(ids=[delivery_id_text(heads[1].id)]), BY)
    finished = beside.show(filled[0])
    assert finished is not None
    assert not finished.queued
    assert finished.origin == shown.origin
    assert finished.message_id_header == "<1@example.com>"
    assert isinstance(finished.events[-1].event, Cancelled)
    assert beside.show(bytes(16)) is None


async def test_show_tells_what_came_back_of_a_message_long_finished(
    beside: QueueOperator, filled: list[bytes], lmdb_spool: LmdbSpool, clock: FakeClock
) -> None:
    beside.act("cancel", Filter(ids=[message_id_text(filled[0])]), BY)
    await lmdb_spool.keepsakes.write({"a": b"1"}, [bounce_of(filled[1])])
    clock.now += 10**9
    await lmdb_spool.keepsakes.write({"a": b"2"}, [bounce_of(filled[0])])
    shown = beside.show(filled[0])
    assert shown is not None
    assert not shown.queued
    assert [each.event for each in shown.events][-1] == bounce_of(filled[0])


def bounce_of(message_id: bytes) -> ReportBounced:
    return ReportBounced(
        at=START,
        message_id=MessageId(message_id),
        tenant="acme",
        stream="news",
        campaign="",
        index=0,
        recipient="a@one.example",
        sender_domain="example.com",
        report=bytes(16),
        status="5.1.1",
        bounce_class="user_unknown",
        effect="suppress",
        reply="no such user",
        host="",
    )


async def test_a_messages_events_are_found_without_reading_the_whole_log(
    lmdb_spool: LmdbSpool,
    beside: QueueOperator,
    clock: FakeClock,
    new_id: MessageIdGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "SLACK_MS", 1000)
    monkeypatch.setattr(history, "READ_LIMIT", 7)
    partition = await lmdb_spool.own(P0, "here")
    wanted = b""
    for number in range(60):
        clock.now += 1000
        message_id = new_id()
        await lmdb_spool.accept([submission(message_id, accepted=clock.now)])
        (head,) = partition.due(clock(), 9).heads
        await partition.claim([head])
        clock.now += 10
        outcome = "bounced" if number == 30 else "delivered"
        done = Done(id=head.id, outcome=outcome, attempt=attempt())  # type: ignore[arg-type]
        await partition.commit(Commit(settled=[done]))
        if number == 30:
            wanted = message_id
    decoded: list[bytes] = []
    for name in ("decode_readable", "readable_head"):
        decode = getattr(history, name)
        monkeypatch.setattr(
            history, name, lambda raw, decode=decode: decoded.append(raw) or decode(raw)
        )
    shown = beside.show(wanted)
    assert shown is not None
    assert [type(each.event) for each in shown.events] == [MessageAccepted, Bounced]
    assert len(decoded) < 12  # bisection of 120 events, and the two


async def test_events_are_found_though_the_clock_was_set_back(
    lmdb_spool: LmdbSpool,
    beside: QueueOperator,
    clock: FakeClock,
    new_id: MessageIdGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "SLACK_MS", 1000)
    ahead = new_id()
    await lmdb_spool.accept([submission(ahead, accepted=clock.now)])
    for step in range(20):
        await lmdb_spool.accept([submission(new_id(), accepted=START - 10**7 + step)])
    shown = beside.show(ahead)
    assert shown is not None
    assert [each.sequence for each in shown.events] == [1]


@pytest.fixture
def elsewhere(tmp_path: Path, clock: FakeClock) -> Iterator[QueueOperator]:
    """An operator whose process has the queue for itself."""
    from angarium.queue.lmdb.file.environment import QueueEnvironment

    QueueEnvironment.open(tmp_path / "own", CONFIG).close()
    made = QueueOperator.open(tmp_path / "own", CONFIG, clock)
    yield made
    made.close()


def test_an_operator_opens_a_queue_without_a_loop(elsewhere: QueueOperator) -> None:
    assert elsewhere.summary().recipients == 0
    assert elsewhere.page(Filter(), None, 10).entries == ()
    assert elsewhere.act("cancel", Filter(tenants=("x",)), BY).count == 0


async def test_an_act_checks_in_its_transaction_what_the_server_did_meanwhile(
    beside: QueueOperator, filled: list[bytes], lmdb_spool: LmdbSpool, clock: FakeClock
) -> None:
    partition = await lmdb_spool.own(P0, "here")
    key = filled[0] + bytes(2)
    await partition.claim(partition.due(clock(), 1).heads)  # after the operator's scan, say
    transactor = Transactor(lmdb_spool._env, clock)
    for act in ("hold", "release", "retry", "cancel"):
        operation = ActOn(act, [key, bytes(18)], BY)  # type: ignore[arg-type]
        assert transactor.run([operation]).outcomes == [[]]
    done = Done(id=DeliveryId(filled[0], 0), outcome="delivered", attempt=attempt())
    await partition.commit(Commit(settled=[done]))


async def test_a_settlement_is_checked_against_the_claim_on_disk(
    filled: list[bytes], lmdb_spool: LmdbSpool, clock: FakeClock
) -> None:
    partition = await lmdb_spool.own(P0, "here")
    heads = partition.due(clock(), 2).heads
    await partition.claim(heads)
    env = lmdb_spool._env
    txn = env.begin_write()
    assert txn.delete(claim_key(0, filled[0] + bytes(2)), db=env.claim)
    txn.commit()
    env.end_write()
    settled = [Done(id=each.id, outcome="delivered", attempt=attempt()) for each in heads]
    with pytest.raises(NotClaimedError):
        await partition.commit(Commit(settled=settled[::-1]))
    assert lmdb_spool.summary().events == 3
    await partition.commit(Commit(settled=settled[1:]))  # the other one is still ours


async def test_an_attempt_that_begins_behind_the_scan_is_reported_as_one(
    beside: QueueOperator,
    filled: list[bytes],
    lmdb_spool: LmdbSpool,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = beside._steps._entries
    seen = list(reader.scan(beside._steps._compile(Filter(domains=("one.example",)))))
    partition = await lmdb_spool.own(P0, "here")
    await partition.claim(partition.due(clock(), 1).heads)
    monkeypatch.setattr(reader, "scan", lambda *_: iter(seen))
    result = beside.act("hold", Filter(domains=("one.example",)), BY)
    assert (result.count, result.in_flight, result.unchanged) == (1, 1, 0)
    done = Done(id=DeliveryId(filled[0], 0), outcome="delivered", attempt=attempt())
    await partition.commit(Commit(settled=[done]))


async def test_hr1_a_rule_of_another_process_is_known_at_the_next_claim(
    beside: QueueOperator, lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    """The operator has a transactor, and a copy of the rules, of its own."""
    partition = await lmdb_spool.own(P0, "here")
    for count in (1, 2, 3):
        rule = beside.add_hold_rule(HoldRule(domain="example.net"), BY)
        await lmdb_spool.accept([submission(new_id())])
        assert await partition.claim(partition.due(clock(), 9).heads) == []
        assert beside.remove_hold_rule(rule.id, BY, release=False).count == 0
        assert beside.summary().held == count


class Broken:
    """An operation that meets a full disk."""

    octets = 1

    def apply(self, _tx: Any) -> None:
        error = lmdb.DiskError("no space")
        error.code = errno.ENOSPC
        raise error


async def test_hr1_a_rule_whose_transaction_was_aborted_binds_nothing(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    partition = await lmdb_spool.own(P0, "here")
    await lmdb_spool.accept([submission(new_id())])
    transactor = Transactor(lmdb_spool._env, clock)
    (head,) = partition.due(clock(), 9).heads
    phantom = AddRule(HoldRule(domain="example.net"), BY)
    claim = Claim(P0, partition.epoch, [head], lambda _: None)
    full = Broken()
    failed = transactor.run([phantom, claim, full]).outcomes
    assert all(isinstance(each, OperationFailure) for each in failed)
    other = AddRule(HoldRule(domain="elsewhere.example"), BY)
    assert transactor.run([other]).outcomes[0].id == 1
    assert len(transactor.run([claim]).outcomes[0]) == 1


async def test_what_a_crash_left_of_a_rules_removal_is_finished_by_the_next_look(
    beside: QueueOperator, lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    await lmdb_spool.accept([submission(new_id()) for _ in range(WIND_UP_LIMIT + 5)])
    rule = beside.add_hold_rule(HoldRule(tenant="default"), BY)
    transactor = Transactor(lmdb_spool._env, clock)
    transactor.run([EndRule(rule.id, BY, releases=True)])
    (part,) = transactor.run([WindUpRule(rule.id)]).outcomes
    assert (len(part.let_go), part.is_done) == (WIND_UP_LIMIT, False)
    assert (beside.hold_rules(), beside.summary().held) == ((), 5)
    assert await lmdb_spool.administration.expire_hold_rules() == 1
    assert beside.summary().held == 0
    assert await lmdb_spool.administration.expire_hold_rules() == 0
    released = lmdb_spool.events.read(0, 10**4)[-1].event
    assert isinstance(released, OperatorReleased)
    assert (released.actor, released.rule) == (BY.who, rule.id)


async def test_the_loop_runs_on_between_the_steps_of_an_act(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator
) -> None:
    await lmdb_spool.accept([submission(new_id()) for _ in range(2000)])
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    busy = asyncio.create_task(turn())
    affected = await lmdb_spool.administration.act(
        "hold", Filter(tenants=("none",)), BY, dry_run=True
    )
    busy.cancel()
    assert affected.count == 0
    assert turns >= 2000 // entry_reading.READ_LIMIT


async def test_a_consumer_gets_events_again_and_nothing_of_them_is_trimmed(
    beside: QueueOperator, filled: list[bytes], lmdb_spool: LmdbSpool
) -> None:
    """EL1"""
    events = lmdb_spool.events
    await events.register("lake")
    await events.ack("lake", events.last(), b"whose")
    beside.rewind("lake", 1)
    assert beside.find_cursor("lake") == EventCursor(position=1, state=b"whose")
    await events.trim(UnixMs(2**60), 0)
    assert events.read(0, 1)[0].sequence == 2
    beside.rewind("lake", 99)
    beside.rewind("nobody", 0)
    assert beside.find_cursor("lake") == EventCursor(position=1, state=b"whose")
    assert beside.find_cursor("nobody") is None

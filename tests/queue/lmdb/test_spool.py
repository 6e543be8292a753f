"""What the Spool and Partition protocols promise, held against every implementation."""

from typing import Any

import pytest

from angarium.queue import (
    AttemptFailed,
    Bounced,
    Commit,
    Deferred,
    Delivered,
    DeliveryId,
    Done,
    DueHead,
    DuplicateMessageError,
    EventCursor,
    FencedError,
    InDoubt,
    MessageAccepted,
    MessageIdGenerator,
    Moved,
    NotClaimedError,
    PartitionNumber,
    QueueError,
    QueueFullError,
    Relayed,
    Released,
    RouteHint,
    UnixMs,
    position,
)
from tests.queue.samples import START, FakeClock, attempt, submission

P0, P1 = PartitionNumber(0), PartitionNumber(1)


def heads(partition: Any, clock: FakeClock) -> tuple[DueHead, ...]:
    return partition.due(clock(), 1000).heads


async def test_what_was_accepted_is_due_with_what_the_scheduler_needs(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    await spool.accept(
        [submission(new_id(), tenant="acme", content=b"x" * 77, priority=3, campaign="spring sale")]
    )
    partition = await spool.own(P0, "here")
    (head,) = heads(partition, clock)
    assert (head.tenant, head.domain, head.octets) == ("acme", "example.net", 77)
    assert (head.stream, head.priority, head.campaign) == ("news", 3, "spring sale")
    assert (head.partition, head.due, head.id.index) == (0, START, 0)


async def test_a_claim_returns_the_whole_message_grouped_by_recipients(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    given = submission(new_id(), ["bob@example.net", "carol@example.org"])
    await spool.accept([given])
    partition = await spool.own(P0, "here")
    (message,) = await partition.claim(heads(partition, clock))
    assert message.content == given.content
    assert message.envelope.reverse_path == "alice@example.com"
    assert message.envelope.recipients == ()
    assert (message.envelope.ret, message.envelope.envid) == ("HDRS", "QQ314159")
    assert message.envelope.body_8bit
    assert not message.envelope.smtputf8
    assert (message.origin, message.expires) == (given.origin, given.expires)
    assert [each.forward_path for each in message.recipients] == [
        "bob@example.net",
        "carol@example.org",
    ]
    assert message.recipients[0].notify == 3
    assert message.recipients[0].attempts == 0


async def test_what_is_claimed_is_not_due_and_cannot_be_claimed_again(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    await spool.accept([submission(new_id())])
    partition = await spool.own(P0, "here")
    found = heads(partition, clock)
    assert len(await partition.claim(found)) == 1
    assert heads(partition, clock) == ()
    assert await partition.claim(found) == []


async def test_outcome_and_event_are_one_transaction(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    message_id = new_id()
    await spool.accept([submission(message_id, ["a@example.net", "b@example.net"])])
    partition = await spool.own(P0, "here")
    await partition.claim(heads(partition, clock))
    one, two = DeliveryId(message_id, 0), DeliveryId(message_id, 1)
    await partition.commit(
        Commit(
            settled=[
                Done(id=one, outcome="delivered", attempt=attempt()),
                Done(id=two, outcome="bounced", attempt=attempt(550)),
            ]
        )
    )
    accepted, delivered, bounced = [each.event for each in spool.events.read(0, 10)]
    assert isinstance(accepted, MessageAccepted)
    assert accepted.recipients == ("a@example.net", "b@example.net")
    assert isinstance(delivered, Delivered)
    assert isinstance(bounced, Bounced)
    assert (delivered.index, delivered.attempts, delivered.attempt) == (0, 1, attempt())
    assert bounced.recipient == "b@example.net"
    assert spool.content(message_id) is None  # the last recipient takes the content with it


async def test_a_deferred_recipient_is_never_due_early_and_remembers_its_last_attempt(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    message_id = new_id()
    await spool.accept([submission(message_id)])
    partition = await spool.own(P0, "here")
    await partition.claim(heads(partition, clock))
    later = UnixMs(START + 60_000)
    await partition.commit(
        Commit(
            settled=[
                Deferred(
                    id=DeliveryId(message_id, 0),
                    due=later,
                    attempt=attempt(451),
                    delay_dsn_sent=True,
                )
            ]
        )
    )
    clock.now = later - 1
    assert heads(partition, clock) == ()
    clock.now = later
    (message,) = await partition.claim(heads(partition, clock))
    (claimed,) = message.recipients
    assert (claimed.attempts, claimed.delay_dsn_sent, claimed.last) == (1, True, attempt(451))
    failed = spool.events.read(1, 1)[0].event
    assert isinstance(failed, AttemptFailed)
    assert failed.due == later


async def test_a_released_claim_counts_for_nothing(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    message_id = new_id()
    await spool.accept([submission(message_id)])
    partition = await spool.own(P0, "here")
    await partition.claim(heads(partition, clock))
    await partition.commit(
        Commit(settled=[Released(id=DeliveryId(message_id, 0), due=UnixMs(START))])
    )
    (message,) = await partition.claim(heads(partition, clock))
    assert message.recipients[0].attempts == 0
    assert len(spool.events.read(0, 10)) == 1


async def test_a_settlement_of_what_is_not_claimed_cannot_pass(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    message_id, other = new_id(), new_id()
    await spool.accept([submission(message_id), submission(other)])
    partition = await spool.own(P0, "here")
    done = Done(id=DeliveryId(message_id, 0), outcome="delivered", attempt=attempt())
    with pytest.raises(NotClaimedError):  # LP1
        await partition.commit(Commit(settled=[done]))
    found = heads(partition, clock)
    await partition.claim(found[:1])
    stray = Done(id=DeliveryId(other, 0), outcome="delivered", attempt=attempt())
    with pytest.raises(NotClaimedError):  # and takes nothing of the same commit with it
        await partition.commit(Commit(settled=[done, stray]))
    with pytest.raises(NotClaimedError):  # LP2
        await partition.commit(Commit(settled=[done, done]))
    assert len(spool.events.read(0, 10)) == 2
    await partition.commit(Commit(settled=[done]))
    with pytest.raises(NotClaimedError):
        await partition.commit(Commit(settled=[done]))


async def test_a_new_owner_fences_the_old_one(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    message_id = new_id()
    await spool.accept([submission(message_id), submission(new_id())])
    old = await spool.own(P0, "old")
    found = heads(old, clock)
    await old.claim(found[:1])
    new = await spool.own(P0, "new")
    done = Done(id=found[0].id, outcome="delivered", attempt=attempt())
    for write in (
        old.commit(Commit(settled=[done])),
        old.claim(found[1:]),
        old.replay(),
        old.disown(),
    ):
        with pytest.raises(FencedError):
            await write
    assert len(spool.events.read(0, 10)) == 2
    assert await new.replay() == 1
    assert len(heads(new, clock)) == 2


async def test_duplicates_only_in_doubt(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    await spool.accept([submission(new_id())])
    old = await spool.own(P0, "old")
    await old.claim(heads(old, clock))
    new = await spool.own(P0, "new")
    assert heads(new, clock) == ()
    assert await new.replay() == 1
    assert await new.replay() == 0
    (message,) = await new.claim(heads(new, clock))
    (claimed,) = message.recipients
    assert (claimed.attempts, claimed.in_doubt) == (1, 1)
    assert isinstance(spool.events.read(1, 1)[0].event, InDoubt)
    await new.commit(Commit(settled=[Done(id=claimed.id, outcome="relayed", attempt=attempt())]))
    relayed = spool.events.read(2, 1)[0].event
    assert isinstance(relayed, Relayed)
    assert (relayed.in_doubt, relayed.attempts) == (1, 2)


async def test_due_pages_go_on_behind_their_cursor(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    ids = [new_id() for _ in range(7)]
    await spool.accept([submission(each) for each in ids])
    await spool.accept([submission(new_id(), partition=1)])
    partition = await spool.own(P0, "here")
    seen, cursor = [], None
    for _ in range(4):
        page = partition.due(clock(), 2, cursor)
        seen += [head.id.message_id for head in page.heads]
        cursor = page.cursor
    assert seen == ids
    assert cursor is None
    at = position(START, ids[3], 0)  # a position may also be made: at it or behind it
    assert [h.id.message_id for h in partition.due(clock(), 9, at).heads] == ids[3:]
    assert partition.due(clock(), 0).heads == ()


async def test_nothing_appears_in_front_of_what_was_read(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    clock.now = START + 5000
    await spool.accept([submission(new_id(), accepted=START, not_before=START + 1)])
    (head,) = heads(partition, clock)
    assert head.due == START + 5000
    (message,) = await partition.claim([head])
    clock.now = START + 6000
    released = Released(id=message.recipients[0].id, due=START)
    await partition.commit(Commit(settled=[released]))
    assert heads(partition, clock)[0].due == START + 6000


async def test_mail_waits_until_its_not_before(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    rung: list[int] = []
    spool.wakeups(rung.append)
    await spool.accept([submission(new_id(), not_before=START + 500)])
    partition = await spool.own(P0, "here")
    assert heads(partition, clock) == ()
    assert rung == []
    clock.now = START + 500
    assert len(heads(partition, clock)) == 1


async def test_a_moved_recipient_is_due_in_the_other_partition_only(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    await spool.accept([submission(new_id())])
    zero, one = await spool.own(P0, "here"), await spool.own(P1, "here")
    (head,) = heads(zero, clock)
    moved = Moved(partition=P0, due=head.due, id=head.id, to=P1)
    await zero.commit(Commit(moved=[moved]))
    assert heads(zero, clock) == ()
    (there,) = heads(one, clock)
    assert there.id == head.id
    await zero.commit(Commit(moved=[moved]))  # again: it is gone, so nothing happens
    (message,) = await one.claim([there])
    assert message.recipients[0].partition == 1
    with pytest.raises(ValueError, match="move"):
        await zero.commit(Commit(moved=[Moved(partition=P1, due=head.due, id=head.id, to=P0)]))


async def test_a_dsn_is_queued_in_the_transaction_that_ends_its_recipient(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    rung: list[int] = []
    await spool.accept([submission(new_id())])
    partition = await spool.own(P0, "here")
    (head,) = heads(partition, clock)
    await partition.claim([head])
    spool.wakeups(rung.append)
    dsn = submission(new_id(), ["alice@example.com"], sender="", partition=1)
    bounced = Done(id=head.id, outcome="bounced", attempt=attempt(550))
    await partition.commit(Commit(settled=[bounced], submissions=[dsn]))
    assert rung == [1]
    assert len(heads(await spool.own(P1, "here"), clock)) == 1
    assert [type(each.event) for each in spool.events.read(0, 9)] == [
        MessageAccepted,
        Bounced,
        MessageAccepted,
    ]


async def test_an_id_that_is_queued_already_is_refused_and_changes_nothing(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    first = submission(new_id())
    fresh = submission(new_id())
    await spool.accept([first])
    with pytest.raises(DuplicateMessageError):
        await spool.accept([fresh, submission(first.message_id, content=b"another")])
    assert spool.content(first.message_id) == first.content
    assert spool.content(fresh.message_id) is None  # all or nothing
    assert len(spool.events.read(0, 9)) == 1


@pytest.mark.parametrize(
    "broken",
    [
        submission(b"short"),
        submission(b"x" * 16, []),
        submission(b"x" * 16, partitions=[0, 1]),
        submission(b"x" * 16, partitions=[4]),
    ],
)
async def test_a_submission_that_breaks_the_rules_is_refused(spool: Any, broken: Any) -> None:
    with pytest.raises(ValueError, match=r"partition|octets|recipients"):
        await spool.accept([broken])
    assert spool.events.read(0, 9) == []


async def test_a_ring_tells_the_partitions_with_something_due(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    rung: list[int] = []
    spool.wakeups(rung.append)
    await spool.accept(
        [submission(new_id(), ["a@example.net"] * 3, partitions=[0, 1, 1]), submission(new_id())]
    )
    assert sorted(rung) == [0, 1]


async def test_events_are_kept_until_they_were_read_and_are_old_or_too_many(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    for _ in range(6):
        clock.now += 1000
        await spool.accept([submission(new_id(), accepted=clock.now)])
    log = spool.events
    assert await log.trim(UnixMs(clock.now + 1), 0) == 0  # nobody is there to read
    assert (await log.register("mail_log")).position == 0
    assert await log.trim(UnixMs(clock.now + 1), 0) == 0  # nobody has read anything
    await log.ack("mail_log", 4)
    await log.ack("mail_log", 2)  # out of order: does not take the later one back
    assert log.consumers() == {"mail_log": 4}
    assert await log.trim(UnixMs(START + 2001), 100) == 2
    assert await log.trim(UnixMs(START), 4) == 0
    assert await log.trim(UnixMs(START), 3) == 1
    assert [each.sequence for each in log.read(0, 10)] == [4, 5, 6]
    await log.ack("mail_log", 6)
    assert await log.trim(UnixMs(clock.now + 1), 0) == 2  # the newest one stays, for its number
    await spool.accept([submission(new_id())])
    assert [each.sequence for each in log.read(0, 10)] == [6, 7]
    assert log.last() == 7


async def test_events_wait_for_the_slowest_reader(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    for _ in range(4):
        await spool.accept([submission(new_id())])
    for each in ("fast", "slow"):
        await spool.events.register(each)
    await spool.events.ack("fast", 4)
    await spool.events.ack("slow", 1)
    assert await spool.events.trim(UnixMs(START + 1), 0) == 1
    await spool.events.retire("slow")
    assert await spool.events.trim(UnixMs(START + 1), 0) == 2
    await spool.events.ack("slow", 4)  # too late: it is nobody
    assert spool.events.consumers() == {"fast": 4}


async def test_el1_a_consumer_that_lags_beyond_all_limits_loses_no_event(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    await spool.events.register("gone_for_a_year")
    await spool.accept([submission(new_id()) for _ in range(5)])
    clock.now += 10**11
    assert await spool.events.trim(UnixMs(clock.now), 1) == 0
    assert len(spool.events.read(0, 9)) == 5


async def test_a_consumers_state_stands_or_falls_with_its_position(
    spool: Any, new_id: MessageIdGenerator
) -> None:
    await spool.accept([submission(new_id()) for _ in range(3)])
    assert await spool.events.register("counts") == EventCursor(position=0)
    await spool.events.ack("counts", 2, b"two")
    await spool.events.ack("counts", 1, b"one")
    assert await spool.events.register("counts") == EventCursor(position=2, state=b"two")
    await spool.events.ack("counts", 3)
    assert await spool.events.register("counts") == EventCursor(position=3, state=b"two")
    await spool.events.retire("counts")
    assert await spool.events.register("counts") == EventCursor(position=0)
    for name in ("", "a b", "x" * 65):
        with pytest.raises(ValueError, match="consumer"):
            await spool.events.register(name)


async def test_routes_are_remembered(spool: Any) -> None:
    hint = RouteHint(domain="example.net", partition=P1, provider="google", site="a|b")
    assert spool.find_route("example.net") is None
    spool.remember_routes([hint])
    assert spool.find_route("example.net") == hint
    assert spool.find_route("") is None
    assert spool.find_route("x" * 600) is None


async def test_a_partition_that_does_not_exist_cannot_be_owned(spool: Any) -> None:
    assert list(spool.partitions()) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="no partition"):
        await spool.own(PartitionNumber(4), "here")


async def test_a_claim_of_another_partitions_head_is_refused(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    await spool.accept([submission(new_id(), partition=1)])
    one, zero = await spool.own(P1, "here"), await spool.own(P0, "here")
    with pytest.raises(ValueError, match="another partition"):
        await zero.claim(heads(one, clock))


async def test_a_closed_queue_refuses(spool: Any, new_id: MessageIdGenerator) -> None:
    spool.close()
    with pytest.raises(QueueError):
        await spool.accept([submission(new_id())])


async def test_a_consumer_that_is_known_needs_no_room_on_the_disk_to_go_on(
    lmdb_spool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await lmdb_spool.events.register("counts") == EventCursor(position=0)

    def full(operation: object) -> None:
        raise QueueFullError("no room")

    monkeypatch.setattr(lmdb_spool.events, "_submit", full)
    assert await lmdb_spool.events.register("counts") == EventCursor(position=0)
    with pytest.raises(QueueFullError):
        await lmdb_spool.events.register("another")

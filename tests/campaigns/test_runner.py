"""Mirrors angarium/campaigns/runner.py: batches, waits, what is paused and called off; and deaths at every moment."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angarium.campaigns.making import NeverError, NotNow
from angarium.intake.order import FaultKind
from angarium.queue import UnixMs
from angarium.queue.ledger.rules import Cancel, MoveStart, Pause, Resume
from angarium.queue.ledger.values import RowState
from angarium.queue.terms import Quota
from tests.campaigns.world import TENANT, Killed, World, dying_at, expected

TEN = [f"r{each}@example.net" for each in range(10)]


async def finish(world: World, limit: int = 1000) -> None:
    for _ in range(200):
        await world.run()
        delivered = await world.deliver(limit)
        await world.follow()
        world.clock.now += 5000
        if not delivered and not world.spool.ledger.at_work():
            return
    raise AssertionError("it does not come to an end")


async def test_each_row_of_a_file_gets_one_mail() -> None:
    world = World([*TEN, "none", "R3@example.net"])
    made = await world.create()
    await finish(world)
    found = world.found(made)
    assert sorted(world.sent) == sorted(TEN)
    assert (found.phase, found.rows, found.batches) == ("completed", 12, 4)
    assert world.states(made) == [*["delivered"] * 10, "refused", "duplicate"]
    rows = world.spool.ledger.rows(made.number, 10, 10).rows
    assert [(each.row.line, each.row.reason, each.row.text) for each in rows] == [
        (12, "has no address", "none"),
        (13, "row 4 has this address, too: it gets one", ""),
    ]


async def test_what_is_wrong_with_a_row_refuses_that_row_alone() -> None:
    world = World(TEN[:5])
    world.making.faults = {
        TEN[1]: FaultKind.INVALID,
        TEN[2]: FaultKind.SUPPRESSED,
        TEN[4]: FaultKind.INTERNAL,
    }
    made = await world.create()
    await finish(world)
    assert world.states(made) == ["delivered", "refused", "suppressed", "delivered", "refused"]
    assert world.found(made).phase == "completed"


async def test_what_passes_by_itself_is_waited_for_and_no_row_is_refused_for_it() -> None:
    world = World(TEN[:5])
    world.making.waits = [NotNow("too many templates are being filled in")]
    made = await world.create()
    await world.run()
    assert world.found(made).waits == "too many templates are being filled in"
    assert world.found(made).rows == 0
    assert not await world.runner.turn()  # not at once again
    await finish(world)
    assert world.states(made) == ["delivered"] * 5  # CPG3
    assert world.found(made).waits == ""


async def test_a_tenant_that_may_send_nothing_is_waited_for() -> None:
    world = World(TEN[:2])
    standing, world.standing = world.standing, None
    made = await world.create()
    await world.run()
    assert world.found(made).waits == "its tenant may send nothing now"
    world.standing = standing
    world.clock.now += 10_000
    await finish(world)
    assert world.states(made) == ["delivered"] * 2
    assert world.making.callers[-1].senders == ("@example.com",)


async def test_what_never_passes_fails_the_campaign_and_what_was_accepted_goes_on() -> None:
    world = World(TEN)
    made = await world.create()
    await world.runner.turn()  # begins
    await world.runner.turn()  # its first batch
    world.making.waits = [NeverError("templateId: there is none")]
    await finish(world)
    found = world.found(made)
    assert (found.phase, found.reason, found.rows) == ("failed", "templateId: there is none", 3)
    assert world.states(made) == ["delivered"] * 3
    assert found.finished


async def test_only_so_many_wait_for_their_first_attempt() -> None:
    world = World(TEN, batch_rows=3, ahead=4)
    made = await world.create()
    await world.run()
    assert world.found(made).tally.untried == 4
    assert world.found(made).waits == "enough of it is in the queue"
    await world.deliver(2)
    await world.follow()
    await world.run()
    assert world.found(made).tally.untried == 4
    assert world.found(made).rows == 6
    await finish(world, limit=2)
    assert Counter(world.sent) == expected(TEN)


async def test_a_start_is_waited_for_and_can_be_moved() -> None:
    world = World(TEN[:2])
    later = UnixMs(world.clock.now + 60_000)
    made = await world.create(start=later)
    await world.run()
    assert world.found(made).phase == "scheduled"
    world.clock.now += 59_000
    await world.spool.ledger.change(made.number, MoveStart(UnixMs(later + 60_000)))
    world.clock.now += 2_000
    await world.run()
    assert world.found(made).rows == 0
    world.clock.now += 60_000
    await finish(world)
    assert world.states(made) == ["delivered"] * 2


async def test_what_is_paused_is_held_in_the_queue_and_goes_on_where_it_was() -> None:
    world = World(TEN)
    made = await world.create()
    await world.runner.turn()
    await world.runner.turn()
    await world.spool.ledger.change(made.number, Pause())
    await world.run()
    assert world.found(made).told == "held"  # CPG4
    assert await world.deliver() == 0
    assert world.found(made).rows == 3
    await world.spool.ledger.change(made.number, Resume())
    await finish(world)
    assert Counter(world.sent) == expected(TEN)
    assert world.spool.administration.hold_rules() == ()


@pytest.mark.parametrize("is_paused", [False, True])
async def test_what_is_called_off_leaves_the_queue_and_counts_as_that(is_paused: bool) -> None:
    world = World(TEN, batch_rows=4)
    made = await world.create()
    await world.runner.turn()
    await world.runner.turn()
    await world.deliver(1)
    if is_paused:
        await world.spool.ledger.change(made.number, Pause())
        await world.run()
    await world.spool.ledger.change(made.number, Cancel())
    await finish(world)
    found = world.found(made)
    assert (found.phase, found.told, found.rows) == ("cancelled", "cancelled", 4)  # CPG4
    assert Counter(world.states(made)) == {"delivered": 1, "cancelled": 3}
    assert len(world.sent) == 1
    assert found.finished


async def test_a_quota_is_used_to_its_end_and_then_waited_for() -> None:
    world = World(TEN, batch_rows=4)
    world.quotas = (Quota(period="hour", limit=6),)
    made = await world.create()
    await world.run()
    found = world.found(made)
    assert (found.tally.accepted, found.waits) == (
        6,
        "the quota of 6 recipients per hour is used up",
    )
    world.clock.now += 3_600_000
    await finish(world)
    assert Counter(world.sent) == expected(TEN)
    assert world.found(made).phase == "completed"


async def test_a_quota_that_is_smaller_than_a_batch_makes_smaller_batches() -> None:
    world = World(TEN[:5], batch_rows=5)
    world.quotas = (Quota(period="second", limit=1),)
    made = await world.create()
    await finish(world)
    assert Counter(world.sent) == expected(TEN[:5])
    assert world.found(made).batches >= 5


async def test_what_has_not_left_when_its_time_is_over_is_not_sent() -> None:
    world = World(TEN)
    made = await world.create(asked={"expires_at": UnixMs(world.clock.now + 1000)})
    await world.runner.turn()
    await world.runner.turn()
    world.clock.now += 2000
    await world.run()
    found = world.found(made)
    assert (found.phase, found.rows) == ("failed", 3)
    assert found.reason == "its time is over: what is left of its file is not sent"


async def test_a_dry_run_reads_all_and_sends_nothing() -> None:
    world = World([*TEN, "none", TEN[0]])
    world.making.faults = {TEN[1]: FaultKind.INVALID, TEN[9]: FaultKind.INVALID}
    made = await world.create(is_dry=True, asked={"dry_rows": 5})
    await finish(world)
    # The second is among the first five, which are rendered; the last is not
    assert world.states(made) == ["checked", "refused", *["checked"] * 8, "refused", "duplicate"]
    assert world.sent == []
    assert world.found(made).phase == "completed"


async def test_an_address_may_be_sent_to_twice_if_that_is_wanted() -> None:
    world = World([TEN[0], TEN[0]])
    await world.create(asked={"duplicates": "send"})
    await finish(world)
    assert world.sent == [TEN[0]] * 2


async def test_campaigns_take_turns() -> None:
    world = World(TEN)
    first, second = await world.create(), await world.create()
    for _ in range(3):
        await world.runner.turn()
    assert world.found(first).rows == world.found(second).rows == 6
    assert len(world.runner.works) == 2
    await finish(world)
    await world.run()
    assert world.runner.works == {}


@settings(max_examples=150, deadline=None)
@given(
    addresses=st.lists(
        st.sampled_from(["none", *TEN, *(each.upper() for each in TEN)]), min_size=1, max_size=14
    ),
    moments=st.sets(st.integers(0, 60), max_size=12),
    batch_rows=st.integers(1, 5),
    limit=st.integers(1, 6),
)
async def test_killed_at_any_moment_no_row_is_left_out_nor_sent_twice(
    addresses: list[str], moments: set[int], batch_rows: int, limit: int
) -> None:
    world = World(addresses, batch_rows=batch_rows, ahead=6)
    made = await world.create()
    world.dies = dying_at(moments)
    for _ in range(300):
        try:
            await world.runner.turn()
            await world.deliver(limit)
            await world.follow()
        except Killed:
            world.crash()
        world.clock.now += 3000
        if not world.spool.ledger.at_work():
            break
    found = world.found(made)
    assert found.phase == "completed"
    rows = [each.row for each in world.spool.ledger.rows(made.number, 0, 1000).rows]
    assert [each.line for each in rows] == [2 + index for index in range(len(addresses))]  # CPG2
    lower = [each.lower() for each in addresses]
    assert Counter(each.lower() for each in world.sent) == expected(lower)
    delivered = [each.address.lower() for each in rows if each.state is RowState.DELIVERED]
    assert Counter(delivered) == expected(lower)
    assert found.tally.rows == len(addresses)
    assert found.tenant == TENANT

"""Mirrors angarium/campaigns/ahead.py: what is made while the batch before it is written, and when it is not used."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from angarium.campaigns.ahead import AT_ONCE, GOOD_FOR_MS
from angarium.campaigns.batch import Standing
from angarium.campaigns.making import NotNow
from angarium.queue.ledger.rules import Cancel, Pause, Resume
from angarium.queue.ledger.values import LedgerCampaign, LedgerPage
from angarium.queue.model import Submission
from angarium.queue.terms import Quota, Terms
from tests.campaigns.world import World, dying_at

TEN = [f"r{each}@example.net" for each in range(10)]
DAY_MS = 86_400_000


class SlowDisk:
    """Writes a page once something was made meanwhile; the last one at once."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self._accept = world.spool.ledger.accept
        self._make = world.making.make
        self._made = asyncio.Event()
        monkeypatch.setattr(world.spool.ledger, "accept", self.accept)
        monkeypatch.setattr(world.making, "make", self.make)

    async def accept(self, page: LedgerPage, batch: Sequence[Submission], terms: Terms) -> Any:
        self._made.clear()
        if not page.is_last:
            async with asyncio.timeout(10):
                await self._made.wait()
        return await self._accept(page, batch, terms)

    async def make(self, *arguments: Any) -> Any:
        self._made.set()
        return await self._make(*arguments)


async def begun(world: World) -> LedgerCampaign:
    """Return a campaign whose first batch is accepted, and whose second is made."""
    made = await world.create()
    await world.runner.turn()
    await world.runner.turn()
    while len(world.making.callers) < 2:
        await asyncio.sleep(0)
    assert world.found(made).rows == 3
    return made


async def test_the_next_batch_is_made_while_one_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(TEN)
    SlowDisk(world, monkeypatch)
    made = await world.create()
    await world.run()
    assert world.found(made).rows == 10
    assert len(world.making.callers) == 4  # each row was made once


async def test_what_was_made_ahead_is_not_used_when_its_tenant_may_send_otherwise_cpg5() -> None:
    world = World(TEN)
    made = await begun(world)
    world.standing = Standing(domains=("example.com",), senders=("shop@example.com",))
    await world.runner.turn()
    assert world.found(made).rows == 6
    assert world.making.callers[2].senders == ("shop@example.com",)


async def test_what_was_made_ahead_is_not_sent_when_its_tenant_may_send_nothing() -> None:
    world = World(TEN)
    made = await begun(world)
    world.standing = None
    await world.run()
    assert world.found(made).rows == 3
    assert world.found(made).waits == "its tenant may send nothing now"


async def test_what_is_too_old_is_made_anew() -> None:
    world = World(TEN)
    made = await begun(world)
    world.clock.now += GOOD_FOR_MS + 1
    now = world.clock.now
    await world.runner.turn()
    batches = world.spool.ledger.batches(made.number, 0, 10)
    assert [each.batch.base == now for each in batches] == [False, True]


async def test_what_is_larger_than_the_next_batch_may_be_is_made_anew() -> None:
    world = World(TEN)
    made = await begun(world)
    world.runner.settings = type(world.settings)(batch_rows=2, queued_ahead=100)
    await world.runner.turn()
    assert world.found(made).rows == 5


async def test_what_waits_when_it_is_made_ahead_is_waited_for() -> None:
    world = World(TEN)
    made = await world.create()
    await world.runner.turn()
    turn = asyncio.ensure_future(world.runner.turn())
    while not world.making.callers:
        await asyncio.sleep(0)
    world.making.waits = [NotNow("too many templates are being filled in")]
    await turn
    await world.run()
    assert world.found(made).rows == 3
    assert world.found(made).waits == "too many templates are being filled in"
    world.clock.now += 5000
    await world.run()
    assert world.found(made).rows == 10


async def test_a_paused_campaign_keeps_nothing_and_goes_on_where_it_was() -> None:
    world = World(TEN)
    made = await begun(world)
    await world.spool.ledger.change(made.number, Pause())
    await world.run()
    assert world.found(made).rows == 3
    await world.spool.ledger.change(made.number, Resume())
    await world.run()
    assert [each.split("@")[0] for each in addresses(world, made)] == [f"r{at}" for at in range(10)]


async def test_nothing_comes_of_a_campaign_that_was_called_off_meanwhile() -> None:
    world = World(TEN)
    made = await begun(world)
    await world.spool.ledger.change(made.number, Cancel())
    await world.run()
    assert world.found(made).rows == 3


async def test_a_quota_that_refuses_a_batch_refuses_what_was_made_behind_it() -> None:
    world = World(TEN)
    world.quotas = (Quota(period="day", limit=4),)
    made = await world.create()
    await world.run()
    assert addresses(world, made) == TEN[:4]
    world.clock.now += DAY_MS
    world.quotas = ()
    await world.run()
    assert addresses(world, made) == TEN


async def test_only_a_few_campaigns_have_a_batch_made_ahead() -> None:
    world = World(TEN)
    campaigns = [await world.create() for _ in range(AT_ONCE + 2)]
    await world.runner.turn()
    await world.runner.turn()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert {world.found(each).rows for each in campaigns} == {3}
    assert len(world.making.callers) == len(campaigns) + AT_ONCE
    await world.run()
    assert {world.found(each).rows for each in campaigns} == {10}


async def test_what_was_made_ahead_ends_with_its_process() -> None:
    world = World(TEN)
    await begun(world)
    await world.runner.close()
    names = [each.get_coro().__qualname__ for each in asyncio.all_tasks()]  # type: ignore[union-attr]
    assert not [each for each in names if "make" in each]
    world.dies = dying_at(())
    world.crash()
    await world.run()
    assert world.spool.ledger.at_work()[0].rows == 10


def addresses(world: World, campaign: LedgerCampaign) -> list[str]:
    rows = world.spool.ledger.rows(campaign.number, 0, 1000).rows
    return [each.row.address for each in rows]

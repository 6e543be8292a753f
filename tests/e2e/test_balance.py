"""A campaign whose mailboxes do as planned ends in figures that are the plan's: statistics, campaign, history, log."""

import os
from pathlib import Path

import pytest

from tests.balance.judgement import judge
from tests.balance.world import run_world, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SIZE = int(os.environ.get("BALANCE_SMALL", "2000"))


async def test_a_simulated_campaign_balances_to_the_last_figure(tmp_path: Path) -> None:
    async with run_world(tmp_path, SIZE, seed=51) as world:
        await world.send()
        await until(lambda: world.is_read, "all is read", 400)
        await judge(world, within_s=120, killed=False)

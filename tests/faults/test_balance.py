"""A campaign whose mailboxes do as planned, while roles are killed at random moments: the figures are the plan's."""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from tests.balance.judgement import judge
from tests.balance.world import run_world, until
from tests.faults.harness import SEED, rounds

SIZE = int(os.environ.get("BALANCE", "100000"))
KILLS = int(os.environ.get("KILLS", "20"))


async def send_and_kill(directory: Path, size: int, kills: int, seed: int) -> None:
    read_s = 120 + size / 20  # however busy the machine is
    began = time.monotonic()
    async with run_world(directory, size, seed) as world:
        await world.send()
        for number in range(kills):
            # Spread over the time in which it is sent and read
            await world.until_taken(size * number // (kills + 1))
            await asyncio.sleep(world.chance.uniform(0.0, 1.0))
            await world.kill_one()
        await world.server.wait_ready()
        await until(lambda: world.is_read, "all is read", read_s)
        await asyncio.sleep(3)  # behind the last kill
        await world.readers.repeat_doubtful()
        found = await judge(world, within_s=read_s / 2, killed=kills > 0)
        found |= {"seconds": round(time.monotonic() - began), "kills": kills, "size": size}
        print(json.dumps(found))


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_small_campaign_balances_though_roles_are_killed(tmp_path: Path) -> None:
    await send_and_kill(tmp_path, 400, 3, 52)


@pytest.mark.faults
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("number", range(rounds(1)))
async def test_a_campaign_balances_though_roles_are_killed_again_and_again(
    number: int, tmp_path: Path
) -> None:
    await send_and_kill(tmp_path, SIZE, KILLS, SEED * 100 + number)


@pytest.mark.faults
@pytest.mark.timeout(7200)
async def test_a_large_campaign_balances(tmp_path: Path) -> None:
    await send_and_kill(tmp_path, SIZE, 0, SEED)

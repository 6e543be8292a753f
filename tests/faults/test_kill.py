"""The whole server killed at random moments under load, again and again.

Invariants 2 and 3, for the server as it is run. SEED and ROUNDS choose and lengthen the long runs (bin/test --faults).
"""

import asyncio
from pathlib import Path

import pytest

from tests.faults.harness import SEED, Harness, rounds, run_harness

DIED = {"process_died", "process_failed", "spawn_failed"}


async def moment(harness: Harness) -> None:
    """Wait for the moment of death: 50 to 500 ms of the load."""
    await asyncio.sleep(harness.chance.uniform(0.05, 0.5))


async def kill_all_again_and_again(harness: Harness, count: int) -> None:
    harness.load()
    await harness.until_acknowledged(5)
    for _ in range(count):
        await moment(harness)
        harness.server.kill_all()
        harness.server.start()
        await harness.until_acknowledged(1)
    await harness.server.wait_ready()


async def kill_children_again_and_again(harness: Harness, count: int) -> None:
    server = harness.server
    harness.load()
    await harness.until_acknowledged(5)
    for _ in range(count):
        await moment(harness)
        slot = harness.chance.choice(sorted(server.children()) or ["none"])
        pid = server.kill_child(slot)
        if pid is not None:
            await harness.until(
                lambda slot=slot, pid=pid: server.children().get(slot, pid) != pid,
                f"{slot} is started again by the supervisor",
            )
        await harness.until_acknowledged(1)
    await server.wait_ready()


@pytest.mark.slow
async def test_a_killed_process_comes_back_by_itself_and_nothing_is_lost(tmp_path: Path) -> None:
    async with run_harness(tmp_path, 11) as harness:
        await kill_children_again_and_again(harness, 4)
        await harness.finish(errors=DIED)


@pytest.mark.slow
async def test_a_killed_server_loses_nothing(tmp_path: Path) -> None:
    async with run_harness(tmp_path, 12) as harness:
        await kill_all_again_and_again(harness, 2)
        await harness.finish(errors=DIED)


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("single", [False, True], ids=["processes", "single"])
async def test_a_server_killed_again_and_again_loses_nothing(tmp_path: Path, single: bool) -> None:
    async with run_harness(tmp_path, SEED, single=single) as harness:
        await kill_all_again_and_again(harness, rounds(25))
        await harness.finish(errors=DIED)


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_processes_killed_again_and_again_lose_nothing(tmp_path: Path) -> None:
    """Also the supervisor alone: its processes end by themselves. A new server now and then: it waits less and less
    long before it starts a process that dies often.
    """
    async with run_harness(tmp_path, SEED, ingress=2) as harness:
        for number in range(max(1, rounds(25) // 5)):
            await kill_children_again_and_again(harness, 5)
            await harness.unload()
            if number % 2:
                harness.server.kill_supervisor()
            else:
                await harness.server.stop()
            await harness.server.start_and_wait()
        await harness.finish(errors=DIED)

"""A process that dies, or whose disk fails, at each step of docs/queue-states.md, in the whole server.

Every transition there is: pages written, ``fdatasync``, the meta page written (``pwrite64``), waiters told; the 250
and each command to a peer are a ``write``. So a kill at the n-th of each of these, for a range of n, meets the state
before and the state after each line of the table.
"""

from pathlib import Path

import pytest

from tests.faults.harness import SEED, Harness, rounds, run_harness
from tests.faults.tracer import Tracer, needs_strace

DIED = {"process_died", "process_failed"}
# What a process says that finds its disk failing, and what its clients' connections meet on its way out.
DISK_FAILED = {
    "process_died",
    "process_failed",
    "role_failed",
    "internal_error",
    "queue_disk_failed",
}
# SEED moves the range, within what the platform process, which commits four times a second only, reaches in time.
FIRST = 1 + (SEED - 1) % 8 * 8
ROLES = {"ingress": "ingress-0", "delivery": "delivery-0", "platform": "platform-0"}
# Then a new one: the supervisor waits longer and longer before it restarts what dies often.
KILLS_PER_SERVER = 4
END_S = 20.0


async def strike(harness: Harness, slot: str, call: str, inject: str) -> None:
    """Have the process in the slot meet the fault under load, end, and be started again by the supervisor."""
    server = harness.server
    pid = server.children()[slot]
    tracer = Tracer(pid, call, inject)
    try:
        await tracer.attached()
        await harness.until(
            lambda: server.children().get(slot, pid) != pid,
            f"{slot} ends at {call} with {inject} and is started again",
            END_S,
        )
    finally:
        tracer.close()
    await server.wait_ready()
    await harness.until_acknowledged(2)


async def strike_each(harness: Harness, points: list[tuple[str, str, str]]) -> None:
    harness.load(per_second=100, clients=2)
    await harness.until_acknowledged(5)
    for number, (slot, call, inject) in enumerate(points, 1):
        await strike(harness, slot, call, inject)
        if number % KILLS_PER_SERVER == 0:
            harness.server.kill_all()
            await harness.server.start_and_wait()


@needs_strace
@pytest.mark.slow
async def test_a_process_that_dies_at_a_commit_loses_nothing(tmp_path: Path) -> None:
    points = [
        ("ingress-0", "fdatasync", "signal=SIGKILL:when=3"),
        ("delivery-0", "pwrite64", "signal=SIGKILL:when=7"),
    ]
    async with run_harness(tmp_path, 21) as harness:
        await strike_each(harness, points)
        await harness.finish(errors=DIED)


@needs_strace
@pytest.mark.slow
async def test_a_process_whose_disk_fails_stops_and_is_started_again(tmp_path: Path) -> None:
    """EN3: a failed fsync is never believed later. Invariant 1: no false 250."""
    points = [(slot, "fdatasync", "error=EIO:when=3") for slot in ("ingress-0", "delivery-0")]
    async with run_harness(tmp_path, 22) as harness:
        await strike_each(harness, points)
        await harness.finish(errors=DISK_FAILED)


@needs_strace
@pytest.mark.faults
async def test_a_single_process_whose_disk_fails_ends(tmp_path: Path) -> None:
    async with run_harness(tmp_path, 23, single=True) as harness:
        harness.load(per_second=100, clients=2)
        await harness.until_acknowledged(5)
        process = harness.server.process_or_fail()
        tracer = Tracer(process.pid, "fdatasync", "error=EIO:when=3")
        try:
            await tracer.attached()
            await harness.until(lambda: process.poll() is not None, "it ends", END_S)
        finally:
            tracer.close()
        assert process.returncode > 0
        harness.server.process = None
        await harness.server.start_and_wait()
        await harness.finish(errors=DISK_FAILED)


@needs_strace
@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64", "write"])
async def test_a_process_that_dies_at_each_step_loses_nothing(
    tmp_path: Path, role: str, call: str
) -> None:
    """SEED moves the range: together, eight seeds cover it."""
    points = [
        (ROLES[role], call, f"signal=SIGKILL:when={when}")
        for when in range(FIRST, FIRST + rounds(8))
    ]
    async with run_harness(tmp_path, SEED) as harness:
        await strike_each(harness, points)
        await harness.finish(errors=DIED)


@needs_strace
@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
async def test_a_disk_that_fails_at_each_step_loses_nothing(
    tmp_path: Path, role: str, call: str
) -> None:
    points = [
        (ROLES[role], call, f"error=EIO:when={FIRST + number}") for number in range(rounds(6))
    ]
    async with run_harness(tmp_path, SEED) as harness:
        await strike_each(harness, points)
        await harness.finish(errors=DISK_FAILED)

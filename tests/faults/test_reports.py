"""What comes back while processes are killed and disks fill up: each report that had its 250 leads to its effect, once.

RPT1, RPT2, RR1, and invariants 2 and 5, for the whole server.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import SEED, rounds
from tests.faults.mounted_disk import MIB, Ballast, MountedDisk
from tests.faults.returns import Returns, run_returns
from tests.faults.test_crash_points import DIED, DISK_FAILED, KILLS_PER_SERVER
from tests.faults.test_kill import moment
from tests.faults.tracer import Tracer, needs_strace

FULL = {
    *("mail_log_failed", "history_failed", "analytics_failed"),
    *("webhooks_failed", "webhooks_outbox_failed", "receiver_reports_failed"),
}


async def kill_again_and_again(returns: Returns, count: int) -> None:
    """Any of the roles, and now and then the supervisor alone. It waits longer and longer before it starts a process
    that dies often, so a new one comes in between.
    """
    harness, server = returns.harness, returns.harness.server
    harness.load(per_second=40, clients=2)
    await returns.until_brought(3)
    for number in range(count):
        await moment(harness)
        if number % (KILLS_PER_SERVER + 1) == KILLS_PER_SERVER:
            server.kill_supervisor()
            await server.start_and_wait()
        else:
            slot = harness.chance.choice(sorted(server.children()) or ["none"])
            pid = server.kill_child(slot)
            if pid is not None:
                await harness.until(
                    lambda slot=slot, pid=pid: server.children().get(slot, pid) != pid,
                    f"{slot} is started again by the supervisor",
                )
        await harness.until_acknowledged(1)
        await returns.until_brought(2)
    await server.wait_ready()


@pytest.mark.slow
async def test_reports_survive_a_killed_process_and_count_once(tmp_path: Path) -> None:
    async with run_returns(tmp_path, 41) as returns:
        await kill_again_and_again(returns, 3)
        await returns.finish(errors=DIED)


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_reports_survive_processes_killed_again_and_again(tmp_path: Path) -> None:
    async with run_returns(tmp_path, SEED) as returns:
        await kill_again_and_again(returns, rounds(25))
        await returns.finish(errors=DIED)


async def strike_each(returns: Returns, points: list[tuple[str, str, str]]) -> None:
    """Have the process of each slot meet its fault while reports come, end, and be started again."""
    harness, server = returns.harness, returns.harness.server
    harness.load(per_second=40, clients=2)
    await returns.until_brought(3)
    for number, (slot, call, inject) in enumerate(points, 1):
        pid = server.children()[slot]
        tracer = Tracer(pid, call, inject)
        try:
            await tracer.attached()
            await harness.until(
                lambda slot=slot, pid=pid: server.children().get(slot, pid) != pid,
                f"{slot} ends at {call} with {inject} and is started again",
            )
        finally:
            tracer.close()
        await server.wait_ready()
        await returns.until_brought(3)
        if number % KILLS_PER_SERVER == 0:
            server.kill_all()
            await server.start_and_wait()


@needs_strace
@pytest.mark.slow
async def test_a_reader_that_dies_between_reading_and_settling_has_done_nothing(
    tmp_path: Path,
) -> None:
    """RR1: it writes only to settle. At its first write the reports are read, and nothing of them is on disk; at its
    first fdatasync all is written, and nothing of it counts.
    """
    points = [("feedback-0", call, "signal=SIGKILL:when=1") for call in ("pwrite64", "fdatasync")]
    async with run_returns(tmp_path, 42) as returns:
        await strike_each(returns, points)
        await returns.finish(errors=DIED)


@needs_strace
@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("slot", ["feedback-0", "ingress-0", "platform-0"])
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
async def test_reports_survive_a_death_at_each_step(tmp_path: Path, slot: str, call: str) -> None:
    first = 1 + (SEED - 1) % 8 * 4
    points = [(slot, call, f"signal=SIGKILL:when={first + each}") for each in range(rounds(6))]
    async with run_returns(tmp_path, SEED) as returns:
        await strike_each(returns, points)
        await returns.finish(errors=DIED)


@needs_strace
@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("slot", ["feedback-0", "ingress-0"])
async def test_reports_survive_a_disk_that_fails(tmp_path: Path, slot: str) -> None:
    points = [(slot, "fdatasync", f"error=EIO:when={1 + each}") for each in range(rounds(6))]
    async with run_returns(tmp_path, SEED) as returns:
        await strike_each(returns, points)
        await returns.finish(errors=DISK_FAILED)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[MountedDisk]:
    point = tmp_path / "disk"
    point.mkdir()
    disk = MountedDisk(f"mount -t tmpfs -o size={24 * MIB} none {point}", point)
    yield disk
    disk.close()


async def fill_up(returns: Returns, disk: MountedDisk, left: int) -> None:
    """Have the disk full until reports are refused, and then have room again."""
    harness, book = returns.harness, returns.reports
    ballast = Ballast(disk)
    ballast.leave(left)
    try:
        wanted = book.refused[452] + 3

        def is_refused() -> bool:
            if book.is_done:  # deliveries, which reports are about, may have stopped already
                returns.report_something()
            return book.refused[452] >= wanted

        await harness.until(is_refused, "reports are refused with 452")
    finally:
        ballast.remove()


async def through_full_disks(tmp_path: Path, disk: MountedDisk, seed: int, count: int) -> None:
    async with run_returns(
        tmp_path,
        seed,
        wrap=disk.wrap,
        data_dir=tmp_path / "disk" / "data",
        queue="min_free_octets = 0",
    ) as returns:
        harness, server = returns.harness, returns.harness.server
        harness.outside = disk.root
        harness.load(per_second=40, clients=2)
        for number in range(count):
            await returns.until_brought(5)
            await fill_up(returns, disk, harness.chance.choice((0, 4096, 65536, 200_000)))
            if number % 3 == 2:
                server.kill_all()
                await server.start_and_wait()
        await returns.until_brought(5)
        await returns.finish(errors=FULL | DIED)
        assert set(returns.reports.refused) <= {452, 451, 421}


@pytest.mark.slow
async def test_reports_that_meet_a_full_disk_are_refused_and_none_is_lost(
    tmp_path: Path, disk: MountedDisk
) -> None:
    await through_full_disks(tmp_path, disk, 43, 1)


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_reports_survive_a_disk_that_fills_up_again_and_again(
    tmp_path: Path, disk: MountedDisk
) -> None:
    await through_full_disks(tmp_path, disk, SEED, rounds(10))

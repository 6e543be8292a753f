"""A wall clock that jumps while the server works: nothing is lost, nothing is tried early, and nothing spins."""

import asyncio
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import SEED, Harness, rounds, run_harness
from tests.faults.sink import Trouble

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
HOUR_S = 3600
SEEN_S = 1.5  # libfaketime looks at the file each second
IDLE_S = 2.0
BUSY = 0.4  # of one core, all processes together: an idle server's beats take a tenth of it here

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason="libfaketime is not installed")

# The library lets a sleep that a jump ends early fail (EINVAL), where the kernel would go on; the process starts anew.
LIBRARY_S = ("role_failed", "process_failed", "process_died")


class FakeClock:
    """The wall clock of the server; its monotonic clock stays as it is."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "clock"
        self.offset_s = 0
        self.furthest_back_s = 0  # the largest step back
        self._write()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DISABLE_SHM": "1",
        }

    async def jump_to(self, offset_s: int) -> None:
        self.furthest_back_s = max(self.furthest_back_s, self.offset_s - offset_s)
        self.offset_s = offset_s
        self._write()
        await asyncio.sleep(SEEN_S)

    def _write(self) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{self.offset_s:+d}\n")
        new.rename(self._file)


def cpu_s(harness: Harness) -> float:
    """Return what all processes of the server have used."""
    ticks = 0
    for pid in (harness.server.pid, *harness.server.children().values()):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def spins_not(harness: Harness) -> None:
    before = cpu_s(harness)
    await asyncio.sleep(IDLE_S)
    used = (cpu_s(harness) - before) / IDLE_S
    assert used < BUSY, f"idle, and {used:.0%} of a core are used"


def audit_due_times(records: list[dict[str, Any]], back_s: float) -> None:
    """No attempt before its due time by the wall clock; those under way at a step back were earlier by that step."""
    due: dict[str, datetime] = {}
    for record in records:
        recipient = record.get("recipient", "")
        if recipient in due and record["event"] in ("relayed", "deferred"):
            early_s = (due.pop(recipient) - datetime.fromisoformat(record["ts"])).total_seconds()
            assert early_s <= back_s, f"{recipient} was tried {early_s} s early"
        if record["event"] == "deferred":
            due[recipient] = datetime.fromisoformat(record["due"])


async def until_received(harness: Harness, more: int) -> None:
    wanted = len(harness.sink.received) + more
    await harness.until(lambda: len(harness.sink.received) >= wanted, "mail goes on to arrive")


async def jump_again_and_again(tmp_path: Path, seed: int, count: int) -> None:
    clock = FakeClock(tmp_path)
    async with run_harness(tmp_path, seed, environment=clock.environment) as harness:
        furthest = 0
        for number in range(count):
            harness.load(per_second=80)
            await until_received(harness, 20)
            harness.sink.troubles = (Trouble("mail", "refuse", 0.5),)  # some wait for a retry
            away = harness.chance.randint(HOUR_S // 2, HOUR_S)
            await clock.jump_to(clock.offset_s + (-away if number % 2 else away))
            furthest = max(furthest, clock.offset_s)
            harness.sink.troubles = ()
            await until_received(harness, 20)  # new mail goes out whatever the clock says
            await harness.unload()
            await asyncio.sleep(0.5)
            await spins_not(harness)
        await clock.jump_to(furthest + HOUR_S)  # what became due by a clock that was ahead
        await harness.finish(killed=False, errors=LIBRARY_S)
        assert not harness.ledger.refused
        records = harness.mail_log()
        times = [datetime.fromisoformat(each["ts"]) for each in records]
        assert (
            max(times) - min(times)
        ).total_seconds() > HOUR_S / 2  # the server did see the jumps
        audit_due_times(records, clock.furthest_back_s)


@pytest.mark.faults
async def test_a_clock_that_jumps_forward_and_back_loses_nothing(tmp_path: Path) -> None:
    await jump_again_and_again(tmp_path, 51, 2)


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_a_clock_that_jumps_again_and_again_loses_nothing(tmp_path: Path) -> None:
    await jump_again_and_again(tmp_path, SEED, rounds(8))

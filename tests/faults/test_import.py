"""An import of suppressions that dies half way: what is there is a beginning of the file, and another completes it."""

import asyncio
import csv
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.faults.harness import SEED, TOP, Harness, run_harness
from tests.faults.test_kill import DIED
from tests.faults.tracer import needs_strace

ROWS = 20_000
LOT = 1000  # rows that are written at once


def addresses(file: Path) -> list[str]:
    """Write a CSV file to import; returns its addresses in order."""
    found = [f"u{number}@d{number % 8}.example" for number in range(ROWS)]
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["email"])
        writer.writerows([each] for each in found)
    return found


def begin_import(harness: Harness, file: Path) -> subprocess.Popen[bytes]:
    command = ("suppress", "import", "--config", str(harness.server.config), "--json", str(file))
    return subprocess.Popen(
        harness.server.command(*command),
        env={**os.environ, "PYTHONPATH": str(TOP)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


async def until_half(harness: Harness, importing: subprocess.Popen[bytes]) -> None:
    """Wait until some lots, and not all, are on disk."""
    while (await harness.inspect())["suppressed"] < 3 * LOT:
        assert importing.poll() is None, importing.communicate()
        await asyncio.sleep(0.01)


async def imported(harness: Harness, wanted: list[str]) -> int:
    """Check that it is the beginning of the file, whole lots of it, and return how many."""
    found = {each["email"] for each in await harness.suppressions()}
    assert found == set(wanted[: len(found)])
    assert len(found) % LOT == 0
    return len(found)


async def import_the_rest(harness: Harness, file: Path, wanted: list[str], there: int) -> None:
    importing = begin_import(harness, file)
    out, error = await asyncio.to_thread(importing.communicate)
    assert importing.returncode == 0, error.decode()
    rest = ROWS - there
    assert json.loads(out) == {"rows": ROWS, "added": rest, "unchanged": there, "wrong": 0}
    assert await imported(harness, wanted) == ROWS


@pytest.mark.faults
@pytest.mark.parametrize("killed", ["command", "server", "platform"])
async def test_an_import_that_is_killed_beside_a_server_has_whole_lots_and_can_be_repeated(
    tmp_path: Path, killed: str
) -> None:
    file = tmp_path / "suppressed.csv"
    wanted = addresses(file)
    async with run_harness(tmp_path, SEED) as harness:
        harness.load(per_second=50, clients=2)
        await harness.until_acknowledged(5)
        importing = begin_import(harness, file)
        try:
            await until_half(harness, importing)
            if killed == "server":
                harness.server.kill_all()
            elif killed == "platform":
                harness.server.kill_child("platform-0")
            else:
                importing.kill()
            _, error = await asyncio.to_thread(importing.communicate, None, 60)
        finally:
            importing.kill()
        assert importing.returncode, "it came to its end before"
        assert killed == "command" or error, "it says what went wrong"
        if killed == "server":
            await harness.server.start_and_wait()
        await harness.server.wait_ready()
        there = await imported(harness, wanted)
        assert 0 < there < ROWS
        await import_the_rest(harness, file, wanted, there)
        await harness.finish(errors=DIED)
        added = [each for each in harness.mail_log() if each["event"] == "suppression_added"]
        assert sorted(each["recipient"] for each in added) == sorted(wanted)


@needs_strace
@pytest.mark.faults
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
async def test_an_import_that_is_killed_without_a_server_has_whole_lots_and_can_be_repeated(
    tmp_path: Path, call: str
) -> None:
    file = tmp_path / "suppressed.csv"
    wanted = addresses(file)
    async with run_harness(tmp_path, SEED) as harness:
        await harness.server.stop()
        traced = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e")
        when = harness.chance.randrange(5, 15)
        wrap = harness.server.wrap
        harness.server.wrap = (*traced, f"inject={call}:signal=SIGKILL:when={when}")
        importing = begin_import(harness, file)
        await asyncio.to_thread(importing.communicate)
        harness.server.wrap = wrap
        assert importing.returncode, "it came to its end before"
        there = await imported(harness, wanted)
        assert there < ROWS
        await import_the_rest(harness, file, wanted, there)

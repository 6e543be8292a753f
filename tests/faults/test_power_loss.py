"""What is on the disk at the instant of a power cut: everything acknowledged before it.

The server's data is on an ext4 in an image file on a reflink XFS, which a clone copies within a millisecond: a disk
without a volatile cache, as it is when the power goes. test_accepted_is_durable and test_duplicates_only_in_doubt.
Not shown: writes that such a cache reorders or tears.
"""

import asyncio
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.faults.harness import INSPECT, SEED, Harness, rounds, run_harness
from tests.faults.mounted_disk import MountedDisk
from tests.faults.returns import run_returns
from tests.faults.server import TOP

FICLONE = 0x40049409  # linux/fs.h
OUTER_OCTETS = 1 << 30  # sparse
INNER_OCTETS = 192 << 20

_MOUNT = """
cd {work} && truncate -s {outer} outer.img && mkfs.xfs -q -m reflink=1 outer.img && mkdir om im rm
&& mount -o loop outer.img om && truncate -s {inner} om/inner.img && mkfs.ext4 -q -F om/inner.img
&& mount -o loop om/inner.img im
"""
# ext4 replays its journal at the mount, as it does after a power cut.
_LOOK = 'mount -o loop "$1" "$2" && "$3" "$4" "$2/data/queue" --events; code=$?; umount "$2"; exit $code'

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("mkfs.xfs") or not shutil.which("mkfs.ext4"),
    reason="needs root, xfsprogs and e2fsprogs",
)


class Snapshot(msgspec.Struct, frozen=True):
    """A power cut, and what had been promised and done by then."""

    image: Path
    acknowledged: frozenset[str]
    received: frozenset[str]  # at the sink


class PowerCut:
    def __init__(self, work: Path) -> None:
        mount = _MOUNT.format(work=work, outer=OUTER_OCTETS, inner=INNER_OCTETS).replace("\n", " ")
        self.disk = MountedDisk(mount, work)
        self.data_dir = work / "im" / "data"
        self._work = work
        self._count = 0

    def happen(self, harness: Harness) -> Snapshot:
        """Copy the disk as it is. Blocks this process, so that nothing is acknowledged or received meanwhile."""
        acknowledged = frozenset(harness.ledger.acknowledged)
        received = frozenset(harness.sink.received)
        self._count += 1
        image = self._work / "om" / f"{self._count}.img"
        source = os.open(self.disk.seen / "om" / "inner.img", os.O_RDONLY)
        target = os.open(self.disk.seen / "om" / image.name, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            fcntl.ioctl(target, FICLONE, source)
        except OSError as error:
            pytest.skip(f"files cannot be cloned here: {error}")
        finally:
            os.close(source)
            os.close(target)
        return Snapshot(image, acknowledged, received)

    async def look(self, snapshot: Snapshot) -> dict[str, Any]:
        """Return what the queue on the copied disk holds."""
        process = await asyncio.create_subprocess_exec(
            *self.disk.wrap,
            *("sh", "-c", _LOOK, "sh", str(snapshot.image), str(self._work / "rm")),
            *(sys.executable, str(INSPECT)),
            env={**os.environ, "PYTHONPATH": str(TOP)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await process.communicate()
        assert process.returncode == 0, error.decode()
        (self.disk.seen / "om" / snapshot.image.name).unlink()
        return json.loads(out)


@pytest.fixture
def power(tmp_path: Path) -> Iterator[PowerCut]:
    work = tmp_path / "power"
    work.mkdir()
    power = PowerCut(work)
    yield power
    power.disk.close()


def audit(snapshot: Snapshot, found: dict[str, Any]) -> None:
    queued, finished = found["recipients"], set(found["finished"])
    lost = [r for r in snapshot.acknowledged if r not in queued and r not in finished]
    assert not lost, f"{len(lost)} acknowledged before the power cut and lost: {lost[:5]}"
    for recipient in snapshot.received:  # a second copy of these goes out only in doubt
        state = queued.get(recipient, "finished")
        assert state in ("in_flight", "finished"), f"{recipient} is at the sink, and {state}"
    assert not finished & set(queued), "finished, and still in the queue"


async def cut_again_and_again(tmp_path: Path, power: PowerCut, seed: int, count: int) -> None:
    async with run_harness(
        tmp_path,
        seed,
        wrap=power.disk.wrap,
        data_dir=power.data_dir,
        queue="map_octets = 16777216\nmin_free_octets = 0",
    ) as harness:
        harness.outside = power.disk.root
        harness.load(per_second=200, clients=6)
        await harness.until_acknowledged(20)
        for _ in range(count):
            await asyncio.sleep(harness.chance.uniform(0.05, 0.5))
            snapshot = power.happen(harness)
            assert snapshot.acknowledged
            audit(snapshot, await power.look(snapshot))
        await harness.finish(killed=False)


@pytest.mark.faults
async def test_a_power_cut_loses_nothing_acknowledged(tmp_path: Path, power: PowerCut) -> None:
    await cut_again_and_again(tmp_path, power, 61, 3)


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_power_cuts_again_and_again_lose_nothing_acknowledged(
    tmp_path: Path, power: PowerCut
) -> None:
    await cut_again_and_again(tmp_path, power, SEED, rounds(25))


def audit_reports(acknowledged: frozenset[str], found: dict[str, Any]) -> None:
    """RPT1, RPT2: each waits, or has led to its effect, and to one."""
    waiting, told = found["waiting"], found["told"]
    assert sorted({*waiting, *told}) == sorted([*waiting, *told]), "read, and still waiting"
    lost = acknowledged - {*waiting, *told}
    assert not lost, f"{len(lost)} reports had their 250 and are lost: {sorted(lost)[:5]}"


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_power_cuts_lose_no_report_that_had_its_250(tmp_path: Path, power: PowerCut) -> None:
    async with run_returns(
        tmp_path,
        SEED,
        wrap=power.disk.wrap,
        data_dir=power.data_dir,
        queue="map_octets = 16777216\nmin_free_octets = 0",
    ) as returns:
        harness = returns.harness
        harness.outside = power.disk.root
        harness.load(per_second=60, clients=4)
        for _ in range(rounds(15)):
            await returns.until_brought(3)
            await asyncio.sleep(harness.chance.uniform(0.05, 0.5))
            acknowledged = frozenset(returns.reports.acknowledged)
            audit_reports(acknowledged, await power.look(power.happen(harness)))
        await returns.finish(errors=())

"""Mirrors angarium/service/life/child.py, in a supervisor's place."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from angarium.access.client_table import ClientTable
from angarium.access.shared_rates import SharedRates
from angarium.config.loader import parse
from angarium.service.data_dir import DataDir
from angarium.service.life import child as child_module
from angarium.service.life.child import Child
from angarium.service.life.control import Start, Stop
from angarium.service.life.nursery import Descriptors, Nursery, environment_of
from angarium.service.life.slot import Slot
from angarium.service.role_table import ROLES
from angarium.service.tenancy_start import prepare_tenancy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    found = Nursery(["angarium.service.platform.role"])
    yield found
    found.close()


async def spawn(
    nursery: Nursery,
    tmp_path: Path,
    run: str = ROLES.find("platform").run,
    environment: Mapping[str, str] | None = None,
) -> Child:
    text = (
        '[server]\nhostname = "mx.example.com"\ndata_dir = "data"\n[queue]\nmin_free_octets = 1\n'
    )
    config = parse(text, tmp_path / "angarium.toml")
    data_dir = DataDir(tmp_path / "data")
    data_dir.prepare(None)
    lock, clients = data_dir.acquire(), ClientTable.create(0, 1)
    rates = SharedRates.create()
    try:
        data_dir.wipe_run(None)
        prepare_tenancy(config, None)
        slot = Slot("platform", 0)
        start = Start(run=run, slots=(slot,), config=config, identity=None)
        shared = Descriptors(clients=clients, rates=rates, lock=lock)
        child = await Child.spawn(nursery, slot, shared, environment or environment_of(None))
        child.tell(start)
        return child
    finally:
        os.close(lock)  # the child has its own
        os.close(clients)
        os.close(rates)


async def test_a_process_that_hangs_is_killed(
    nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = await spawn(nursery, tmp_path)
    ready = asyncio.Event()
    running = asyncio.create_task(child.run(ready.set))
    async with asyncio.timeout(30):
        await ready.wait()
        monkeypatch.setattr(child_module, "HANG_S", 1.5)  # it beats once a second
        monkeypatch.setattr(child_module, "TERM_S", 0.1)
        await asyncio.sleep(2.5)
        assert not running.done()
        os.kill(child.pid, signal.SIGSTOP)
        assert await running == -signal.SIGKILL


async def test_an_order_given_before_it_listens_is_obeyed(nursery: Nursery, tmp_path: Path) -> None:
    child = await spawn(nursery, tmp_path)
    child.tell(Stop(drain_s=1.0, last_reply_s=1.0))
    async with asyncio.timeout(30):
        assert await child.run(lambda: None) == 0


async def test_a_cancelled_watch_leaves_no_process_behind(nursery: Nursery, tmp_path: Path) -> None:
    child = await spawn(nursery, tmp_path)
    ready = asyncio.Event()
    running = asyncio.create_task(child.run(ready.set))
    async with asyncio.timeout(30):
        await ready.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert not Path(f"/proc/{child.pid}").exists()


@pytest.mark.parametrize("drops", [True, False])
async def test_a_process_that_drops_privileges_sees_only_what_it_needs_of_the_environment_l1(
    nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drops: bool
) -> None:
    given = ("BACKUP_TOKEN", "SMART_HOST_PASSWORD", "TZ", "LC_ALL")
    for name in given:
        monkeypatch.setenv(name, "C")
    told = tmp_path / "data/environment.json"
    names = ["SMART_HOST_PASSWORD"] if drops else None
    run = "tests.service.life.telling_role:run_telling"
    child = await spawn(nursery, tmp_path, run=run, environment=environment_of(names))
    running = asyncio.create_task(child.run(lambda: None))
    async with asyncio.timeout(30):
        while not told.exists() or not (text := told.read_text()):
            await asyncio.sleep(0.01)
    of_its_beginning = Path(f"/proc/{child.pid}/environ").read_bytes()
    words = Path(f"/proc/{child.pid}/cmdline").read_text().rstrip("\0").split("\0")
    child.kill()
    await running
    assert [name for name in given if name in json.loads(text)] == list(given[drops:])
    assert "PATH" in json.loads(text)
    assert b"SMART_HOST_PASSWORD" not in of_its_beginning  # which others of its user can read
    assert words[1:] == ["-m", "angarium.service.role", "platform", "0"]


async def test_a_nursery_that_died_is_begun_anew_and_who_was_born_there_lives_on_nu1(
    nursery: Nursery, tmp_path: Path
) -> None:
    ready = asyncio.Event()
    first = await spawn(nursery, tmp_path)
    running = asyncio.create_task(first.run(ready.set))
    async with asyncio.timeout(30):
        await ready.wait()
    assert nursery._process is not None
    nursery._process.kill()
    nursery._process.wait()
    (tmp_path / "second").mkdir()
    second = await spawn(nursery, tmp_path / "second")
    for child in (first, second):
        child.tell(Stop(drain_s=1.0, last_reply_s=1.0))
    async with asyncio.timeout(30):
        assert await running == 0
        assert await second.run(lambda: None) == 0


async def test_who_loses_its_parent_is_ours_and_leaves_no_zombie(nursery: Nursery) -> None:
    with pytest.raises(OSError, match="Bad file"):  # it is begun, and nobody is born
        nursery.bear(Slot("platform", 0), Descriptors(clients=-1, rates=-1, lock=-1), {})
    script = "import os, sys; pid = os.fork(); print(pid, flush=True) if pid else sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as between:
        assert between.stdin is not None
        assert between.stdout is not None
        orphan = int(between.stdout.readline())
        between.wait()
        between.stdin.close()
    async with asyncio.timeout(30):
        while Path(f"/proc/{orphan}").exists():
            nursery.reap_strangers()
            await asyncio.sleep(0.01)

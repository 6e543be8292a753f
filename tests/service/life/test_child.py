"""Mirrors angarium/service/life/child.py, in a supervisor's place."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from angarium.access.client_table import ClientTable
from angarium.access.shared_rates import SharedRates
from angarium.config.loader import parse
from angarium.host.identity import Identity
from angarium.service.data_dir import DataDir
from angarium.service.life import child as child_module
from angarium.service.life.child import Child
from angarium.service.life.control import Start, Stop
from angarium.service.life.slot import Slot
from angarium.service.role_table import ROLES
from angarium.service.tenancy_start import prepare_tenancy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]


def spawn(tmp_path: Path, more: str = "", identity: Identity | None = None) -> Child:
    text = (
        '[server]\nhostname = "mx.example.com"\ndata_dir = "data"\n[queue]\nmin_free_octets = 1\n'
    )
    config = parse(text + more, tmp_path / "angarium.toml")
    data_dir = DataDir(tmp_path / "data")
    data_dir.prepare(None)
    lock, clients = data_dir.acquire(), ClientTable.create(0, 1)
    rates = SharedRates.create()
    try:
        data_dir.wipe_run(None)
        prepare_tenancy(config, None)
        slot = Slot("platform", 0)
        start = Start(
            run=ROLES.find("platform").run,
            slots=(slot,),
            config=config,
            identity=identity,
            listeners=(),
            clients=clients,
            rates=rates,
        )
        return Child.spawn(slot, start, lock)
    finally:
        os.close(lock)  # the child has its own
        os.close(clients)
        os.close(rates)


async def test_a_process_that_hangs_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = spawn(tmp_path)
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


async def test_an_order_given_before_it_listens_is_obeyed(tmp_path: Path) -> None:
    child = spawn(tmp_path)
    child.tell(Stop(drain_s=1.0, last_reply_s=1.0))
    async with asyncio.timeout(30):
        assert await child.run(lambda: None) == 0


async def test_a_cancelled_watch_leaves_no_process_behind(tmp_path: Path) -> None:
    child = spawn(tmp_path)
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drops: bool
) -> None:
    given = ("BACKUP_TOKEN", "SMART_HOST_PASSWORD", "TZ", "LC_ALL")
    for name in given:
        monkeypatch.setenv(name, "C")
    route = """
[[route]]
domain = "*"
via = "smtps://us@smart.example:465"
password_env = "SMART_HOST_PASSWORD"
"""
    identity = Identity(uid=65534, gid=65534, groups=()) if drops else None
    child = spawn(tmp_path, route, identity)
    async with asyncio.timeout(30):
        while not (octets := Path(f"/proc/{child.pid}/environ").read_bytes()):
            await asyncio.sleep(0.01)  # the kernel is at its exec
    seen = octets.split(b"\0")
    child.kill()
    await child.run(lambda: None)
    assert [name for name in given if f"{name}=C".encode() in seen] == list(given[drops:])
    assert any(each.startswith(b"PATH=") for each in seen)

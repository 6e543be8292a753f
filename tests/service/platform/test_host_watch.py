"""Mirrors angarium/service/platform/host_watch.py and host_keeping.py."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from angarium.config.schema import Queue
from angarium.queue import LmdbSpool, TrackingHostFailed, TrackingHostVerified, UnixMs
from angarium.service.platform.host_keeping import HostKeeping
from angarium.service.platform.host_watch import AT_ONCE, HostWatch
from angarium.service.platform.rounds import AFTER_TROUBLE_MS
from angarium.telemetry.metrics import Metrics
from angarium.tenancy import SnapshotFile, TenancySetupError
from angarium.tenancy.database import Database
from angarium.tenancy.platform import Platform
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.tracking_host_check import DAY_MS, SOON_MS, HostCheck, HostFinding
from angarium.tenancy.tracking_policy import TrackingHost
from tests.queue.samples import FakeClock

HOST = "t.shop.example"
OWN = "t.own.example"


def finding(verdict: str) -> tuple[HostFinding, ...]:
    return (
        HostFinding(
            purpose="answer",
            verdict="ok" if verdict == "ok" else "fail",
            expected="us",
            found=verdict,
            remedy="mend it",
        ),
    )


class Watched:
    def __init__(self, folder: Path, own: str = "") -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.broken = False
        self.looks: list[tuple[str, str | None]] = []
        self.answers: dict[str, str] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.platform = self.open_platform()
        self.platform.tenants.create("shop")
        self.platform.domains.add("shop.example", "shop", assume_verified=True)
        self.metrics = Metrics(CollectorRegistry())
        self.open(own)

    def open(self, own: str = "") -> None:
        self.keeping = HostKeeping(self.open_platform)
        queue = Queue(partitions=1, min_free_octets=0)
        self.spool = LmdbSpool.open(self.folder / "queue", queue, self.clock)
        self.watch = HostWatch(
            SnapshotFile(self.folder),
            self.keeping,
            self.look,
            self.spool.keepsakes,
            self.clock,
            self.metrics,
            own,
        )

    def open_platform(self) -> Platform:
        if self.broken:
            raise TenancySetupError("away")
        return Platform(
            Database.open("sqlite:///platform.db", self.folder),
            Secrets({1: bytes(32)}),
            self.folder,
            actor="server",
            clock=self.clock,
            random_octets=os.urandom,
            new_private_key=lambda _: Ed25519PrivateKey.generate(),
        )

    async def look(self, host: TrackingHost, problem: str | None) -> tuple[HostFinding, ...]:
        self.looks.append((host.host, problem))
        await self.gate.wait()
        return finding(self.answers.get(host.host, "ok"))

    async def turn(self, after_ms: int = 0) -> None:
        self.clock.now = UnixMs(self.clock.now + after_ms)
        async with asyncio.TaskGroup() as tasks:
            await self.watch.turn(tasks)
        # What the publisher does
        self.platform.publish()

    def add(self, host: str = HOST) -> None:
        self.platform.tracking_hosts.add(host, "shop")
        self.platform.publish()

    @property
    def state(self) -> str:
        return self.platform.tracking_hosts.find(HOST).state

    @property
    def told(self) -> list[Any]:
        events = [each.event for each in self.spool.events.read(0, 100)]
        return [
            each for each in events if isinstance(each, TrackingHostVerified | TrackingHostFailed)
        ]

    def restart(self) -> None:
        self.keeping.close()
        self.spool.close()
        self.open()

    def close(self) -> None:
        self.keeping.close()
        self.spool.close()
        self.platform.close()


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.close()


async def test_a_new_host_is_looked_at_at_once_and_then_daily(watched: Watched) -> None:
    watched.add()
    await watched.turn()
    assert watched.state == "verified"
    await watched.turn(DAY_MS // 2)
    assert len(watched.looks) == 1
    await watched.turn(DAY_MS // 2)
    assert len(watched.looks) == 2
    assert watched.metrics.tracking_hosts["verified"]._value.get() == 1


async def test_one_look_that_fails_takes_nothing_out_of_use(watched: Watched) -> None:
    """HW1"""
    watched.add()
    await watched.turn()
    watched.answers[HOST] = "a stranger"
    await watched.turn(DAY_MS)
    assert watched.state == "verified"
    watched.answers[HOST] = "ok"
    await watched.turn(SOON_MS)
    assert watched.state == "verified"
    watched.answers[HOST] = "a stranger"
    await watched.turn(DAY_MS)
    await watched.turn(SOON_MS)
    assert watched.state == "failed"
    watched.answers[HOST] = "ok"
    await watched.turn(DAY_MS)
    assert watched.state == "verified"


async def test_tlg1_each_change_is_told_once_whatever_is_restarted(watched: Watched) -> None:
    watched.answers[HOST] = "not yet"
    watched.add()
    await watched.turn()
    assert watched.told == []
    watched.answers[HOST] = "ok"
    await watched.turn(SOON_MS)
    watched.restart()
    await watched.turn(DAY_MS)
    assert [(each.name, each.tenant, each.host) for each in watched.told] == [
        ("tracking_host_verified", "shop", HOST)
    ]
    watched.answers[HOST] = "a stranger"
    await watched.turn(DAY_MS)
    await watched.turn(SOON_MS)
    await watched.turn(DAY_MS)
    watched.restart()
    await watched.turn(DAY_MS)
    failed = watched.told[1:]
    assert [(each.name, each.purpose, each.text) for each in failed] == [
        ("tracking_host_failed", "answer", "a stranger")
    ]
    watched.answers[HOST] = "ok"
    await watched.turn(DAY_MS)
    assert [each.name for each in watched.told[2:]] == ["tracking_host_verified"]


async def test_what_was_kept_and_not_told_is_told_after_a_restart(watched: Watched) -> None:
    """TLG1: the database has the new state, and the server is killed before the event is written."""
    watched.add()
    check = HostCheck(host=HOST, checked=watched.clock(), findings=finding("ok"))
    await watched.keeping.keep(check)
    watched.platform.publish()
    assert watched.told == []
    watched.restart()
    await watched.turn(1)
    assert [each.name for each in watched.told] == ["tracking_host_verified"]


async def test_a_host_that_is_another_tenants_now_is_a_new_one(watched: Watched) -> None:
    watched.add()
    await watched.turn()
    watched.platform.tracking_hosts.remove(HOST)
    watched.clock.now = UnixMs(watched.clock.now + 1)
    watched.answers[HOST] = "not yet"
    watched.add()
    await watched.turn()
    await watched.turn()
    assert [each.name for each in watched.told] == ["tracking_host_verified"]
    assert len(watched.spool.keepsakes.read("tracking-host/")) == 0


async def test_a_host_whose_certificate_has_come_is_looked_at_at_once(watched: Watched) -> None:
    watched.answers[HOST] = "not yet"
    watched.add()
    await watched.turn()
    watched.answers[HOST] = "ok"
    await watched.turn(1)
    assert watched.state == "pending"
    watched.watch.hurry(HOST)
    watched.watch.hurry("gone.shop.example")
    await watched.turn(1)
    assert watched.state == "verified"


async def test_what_was_found_is_known_after_a_restart(watched: Watched) -> None:
    watched.add()
    await watched.turn()
    watched.restart()
    await watched.turn(60_000)
    assert len(watched.looks) == 1
    assert watched.watch.states() == {HOST: "verified"}


async def test_why_a_host_is_no_longer_its_tenants_is_part_of_a_look(watched: Watched) -> None:
    watched.add()
    watched.platform.domains.remove("shop.example", "shop")
    await watched.turn()
    ((_, problem),) = watched.looks
    assert "no domain" in str(problem)


async def test_the_servers_own_host_is_looked_at_and_kept_in_memory(tmp_path: Path) -> None:
    watched = Watched(tmp_path, own=OWN)
    await watched.turn()
    assert watched.looks == [(OWN, None)]
    assert watched.watch.states() == {OWN: "verified"}
    assert watched.platform.tracking_hosts.list() == []
    watched.close()


async def test_what_a_host_waits_for_is_said_once(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    def said() -> list[tuple[object, object]]:
        return [
            (vars(each)["event"], vars(each)["ids"].get("problem"))
            for each in caplog.records
            if str(vars(each).get("event")).startswith("tracking_host")
        ]

    watched.answers[HOST] = "not yet"
    watched.add()
    with caplog.at_level("INFO"):
        await watched.turn()
        await watched.turn(SOON_MS)
        assert said() == [("tracking_host_waits", "not yet")]
        watched.answers[HOST] = "ok"
        await watched.turn(SOON_MS)
        assert said()[1:] == [("tracking_host_verified", None)]


async def test_a_removed_host_is_looked_at_no_more(watched: Watched) -> None:
    watched.add()
    await watched.turn()
    watched.platform.tracking_hosts.remove(HOST)
    watched.platform.publish()
    await watched.turn(DAY_MS)
    assert len(watched.looks) == 1
    assert watched.watch.states() == {}


async def test_few_hosts_are_looked_at_at_a_time(watched: Watched) -> None:
    """RND1"""
    for number in range(AT_ONCE + 3):
        watched.add(f"t{number}.shop.example")
    watched.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        await watched.watch.turn(tasks)
        async with asyncio.timeout(20):
            while len(watched.looks) < AT_ONCE:
                await asyncio.sleep(0)
        await watched.watch.turn(tasks)
        assert len(watched.looks) == AT_ONCE
        watched.gate.set()
    async with asyncio.TaskGroup() as tasks:
        await watched.watch.turn(tasks)
    assert len(watched.looks) == AT_ONCE + 3
    assert len({host for host, _ in watched.looks}) == AT_ONCE + 3


async def test_a_database_that_is_away_is_tried_again_in_a_minute(watched: Watched) -> None:
    watched.add()
    watched.broken = True
    await watched.turn()
    await watched.turn(1000)
    assert watched.looks == []
    watched.broken = False
    await watched.turn(AFTER_TROUBLE_MS)
    assert watched.state == "verified"

"""Mirrors angarium/api/platform_access.py."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from angarium.api.platform_access import WAITING, PlatformAccess
from angarium.intake.order import Caller, FaultError, FaultKind
from angarium.tenancy import KeyGrant, SnapshotFile, TenancySetupError
from angarium.tenancy.database import Database
from angarium.tenancy.keys import KeyWish
from angarium.tenancy.platform import Platform
from angarium.tenancy.secret_file import Secrets
from tests.tenancy.audited import audit_entries

CALLER = Caller(
    tenant="default",
    key_id="abc",
    domains=(),
    address="127.0.0.1",
    listener="127.0.0.1:8025",
)


class Opening:
    """Opens a platform, and knows by which threads and how often."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trouble: TenancySetupError | None = None
        self.threads: list[str] = []

    def __call__(self) -> Platform:
        self.threads.append(threading.current_thread().name)
        if self.trouble is not None:
            raise self.trouble
        database = Database.open("sqlite:///platform.db", self.folder)
        return Platform(database, Secrets({1: bytes(32)}), self.folder, actor="tests")


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return Opening(tmp_path)


@pytest.fixture
def snapshots(tmp_path: Path) -> SnapshotFile:
    return SnapshotFile(tmp_path)


@pytest.fixture
def access(opening: Opening, snapshots: SnapshotFile) -> Iterator[PlatformAccess]:
    made = PlatformAccess(opening, snapshots)
    yield made
    made.close()


async def refusal(access: PlatformAccess, work: Callable[[Platform], object]) -> tuple[str, str]:
    with pytest.raises(FaultError) as raised:
        await access.run(work)
    return raised.value.fault.kind.name, raised.value.fault.field


async def test_a_change_is_in_force_when_it_returns_pla2(
    access: PlatformAccess, snapshots: SnapshotFile
) -> None:
    made = await access.run(lambda platform: platform.keys.create(KeyWish(tenant="default")))
    grant = snapshots.current.find_key(made.text, made.key.created, "127.0.0.1")
    assert isinstance(grant, KeyGrant)


async def test_what_a_key_asked_for_is_noted_as_its(access: PlatformAccess) -> None:
    await access.run(lambda platform: platform.tenants.create("a"), by=CALLER)
    await access.run(lambda platform: platform.tenants.create("b"))
    entries = await access.run(audit_entries)
    assert [(each.actor, each.tenant) for each in entries] == [("API", "b"), ("key abc", "a")]


async def test_it_is_opened_once_in_a_thread_of_its_own_and_not_before(
    access: PlatformAccess, opening: Opening
) -> None:
    assert opening.threads == []
    for _ in range(2):
        await access.run(lambda platform: platform.version())
    assert opening.threads == ["platform_0"]


async def test_what_the_platform_refuses_is_a_fault_with_its_field(access: PlatformAccess) -> None:
    await access.run(lambda platform: platform.tenants.create("a"))
    assert await refusal(access, lambda platform: platform.tenants.create("a")) == (
        "CONFLICT",
        "name",
    )
    assert await refusal(access, lambda platform: platform.tenants.create("?")) == (
        "INVALID",
        "name",
    )
    assert (await refusal(access, lambda platform: platform.keys.find("x")))[0] == "NOT_FOUND"


async def test_a_fault_names_no_command_line(access: PlatformAccess) -> None:
    with pytest.raises(FaultError) as raised:
        await access.run(lambda platform: platform.keys.find("x"))
    assert raised.value.fault.message == "there is no key 'x'"


async def test_what_was_changed_before_a_refusal_is_published(
    access: PlatformAccess, snapshots: SnapshotFile, tmp_path: Path
) -> None:
    def half(platform: Platform) -> None:
        platform.tenants.create("a")
        platform.tenants.create("a")

    await refusal(access, half)
    assert SnapshotFile(tmp_path).current.is_active("a")


async def test_a_database_that_cannot_be_used_is_busy_and_tried_again(
    access: PlatformAccess, opening: Opening
) -> None:
    opening.trouble = TenancySetupError("postgresql://joe@db: no route")
    with pytest.raises(FaultError) as raised:
        await access.run(lambda platform: platform.version())
    assert raised.value.fault.kind is FaultKind.BUSY
    assert raised.value.fault.retry_after_s == 1
    assert "joe" not in raised.value.fault.message
    opening.trouble = None
    assert await access.run(lambda platform: platform.version()) >= 0


async def test_too_many_that_wait_are_refused_pla1(access: PlatformAccess) -> None:
    gate = threading.Event()
    waiting = [
        asyncio.ensure_future(access.run(lambda platform: gate.wait(60))) for _ in range(WAITING)
    ]
    await asyncio.sleep(0)
    try:
        assert (await refusal(access, lambda platform: platform.version()))[0] == "BUSY"
    finally:
        gate.set()
    assert all(await asyncio.gather(*waiting))
    assert await access.run(lambda platform: platform.version()) >= 0


async def test_who_stops_waiting_takes_nothing_back(access: PlatformAccess) -> None:
    gate = threading.Event()

    def slow(platform: Platform) -> None:
        gate.wait(60)
        platform.tenants.create("kept")

    task = asyncio.ensure_future(access.run(slow))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()
    assert (await access.run(lambda platform: platform.tenants.find("kept"))).name == "kept"

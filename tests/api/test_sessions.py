"""Mirrors angarium/api/sessions.py; what it does on a running server: tests/e2e/test_people.py."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import argon2
import pytest
from aiohttp.test_utils import make_mocked_request

from angarium.access.allowance import Allowance
from angarium.api.platform_access import PlatformAccess
from angarium.api.sessions import HASH_THREADS, HASH_WAITERS, Sessions
from angarium.intake.order import FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.tenancy import SnapshotFile
from angarium.tenancy.database import Database
from angarium.tenancy.platform import Platform
from angarium.tenancy.secret_file import Secrets

FAST = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"


class SlowHasher:
    """Compares when it is let, and counts how many do at once."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def verify(self, stored: str, password: str) -> bool:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        assert self.let.wait(60)
        with self._lock:
            self._now -= 1
        return FAST.verify(stored, password)


class Rates:
    def __init__(self) -> None:
        self.wait_ms = 0

    def take(self, key: str, per_second: int, now: int) -> Allowance:
        return Allowance(limit=per_second, remaining=1, reset_ms=0, wait_ms=self.wait_ms)


@pytest.fixture
def access(tmp_path: Path) -> Iterator[PlatformAccess]:
    def open_platform() -> Platform:
        database = Database.open("sqlite:///platform.db", tmp_path)
        secrets = Secrets({1: bytes(32)})
        return Platform(database, secrets, tmp_path, actor="tests", hasher=FAST)

    with open_platform() as platform:
        platform.accounts.add("ann", "default", "owner", PASSWORD)
    made = PlatformAccess(open_platform, SnapshotFile(tmp_path))
    yield made
    made.close()


def sessions_of(access: PlatformAccess, hasher: Any, rates: Any = None) -> Sessions:
    clock = lambda: UnixMs(1_800_000_000_000)  # noqa: E731
    snapshots = cast(SnapshotFile, access._snapshots)
    return Sessions(access, snapshots, rates or Rates(), clock, hasher)


async def log_in(sessions: Sessions, password: str = PASSWORD) -> str:
    """Return the kind of fault; "" for none."""
    request = make_mocked_request("POST", "/v1/login")
    try:
        await sessions.log_in(request, name="ann", password=password, code="", tenant="")
    except FaultError as error:
        return error.fault.kind.value
    return ""


async def test_ses1_only_so_many_passwords_are_compared_at_once_p6(access: PlatformAccess) -> None:
    hasher = SlowHasher()
    sessions = sessions_of(access, hasher)
    room = HASH_THREADS + HASH_WAITERS
    tasks = [asyncio.create_task(log_in(sessions)) for _ in range(room)]
    async with asyncio.timeout(60):
        while sessions._waiting < room:
            await asyncio.sleep(0.01)
    assert await log_in(sessions) == FaultKind.BUSY.value
    hasher.let.set()
    assert set(await asyncio.gather(*tasks)) == {""}
    assert hasher.most == HASH_THREADS
    assert await log_in(sessions) == ""
    sessions.close()


async def test_what_no_password_can_be_is_wrong_and_costs_nothing(access: PlatformAccess) -> None:
    sessions = sessions_of(access, SlowHasher())  # which is not let
    assert await log_in(sessions, "x" * 1025) == FaultKind.WRONG_KEY.value
    sessions.close()


async def test_who_comes_too_often_is_told_to_wait(access: PlatformAccess) -> None:
    rates = Rates()
    sessions = sessions_of(access, FAST, rates)
    assert await log_in(sessions, "not the password") == FaultKind.WRONG_KEY.value
    rates.wait_ms = 1500
    assert await log_in(sessions) == FaultKind.RATE.value
    rates.wait_ms = 0
    assert await log_in(sessions) == ""
    sessions.close()

"""Every store is tested on SQLite, and on a real PostgreSQL where its programs are installed."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import argon2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from angarium.queue.model import UnixMs
from angarium.tenancy.database import Database
from angarium.tenancy.platform import Platform
from angarium.tenancy.secret_file import Secrets
from tests.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Of an empty database."""
    if request.param == "sqlite":
        return "sqlite:///platform.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


# What takes no time, and is as good to compare
FAST = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    def __init__(self) -> None:
        self.now = UnixMs(1_800_000_000_000)

    def __call__(self) -> UnixMs:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


SECRETS = Secrets({1: bytes(range(32))})


@pytest.fixture
def open_platform(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Platform]]:
    """Open a platform at a URL; its domains have Ed25519 keys, which cost nothing to make."""
    with contextlib.ExitStack() as opened:

        def start(url: str, secrets: Secrets = SECRETS, **more: Any) -> Platform:
            database = Database.open(url, tmp_path)
            return opened.enter_context(
                Platform(
                    database,
                    secrets,
                    tmp_path,
                    actor="tests",
                    clock=clock,
                    new_private_key=lambda _: Ed25519PrivateKey.generate(),
                    hasher=FAST,
                    **more,
                )
            )

        yield start


@pytest.fixture
def platform(open_platform: Callable[..., Platform], url: str) -> Platform:
    return open_platform(url)

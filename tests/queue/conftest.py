from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from angarium.config.schema import Queue
from angarium.queue import LmdbSpool, MessageIdGenerator
from angarium.queue.memory.spool import MemorySpool
from tests.queue.samples import FakeClock, make_ids

CONFIG = Queue(partitions=4, map_octets=1 << 20, min_free_octets=0)


def open_lmdb(tmp_path: Path, clock: FakeClock) -> LmdbSpool:
    return LmdbSpool.open(tmp_path / "queue", CONFIG, clock)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def new_id(clock: FakeClock) -> MessageIdGenerator:
    return make_ids(clock)


@pytest.fixture
def config() -> Queue:
    return CONFIG


@pytest.fixture
async def lmdb_spool(tmp_path: Path, clock: FakeClock) -> AsyncIterator[LmdbSpool]:
    spool = open_lmdb(tmp_path, clock)
    yield spool
    spool.close()


@pytest.fixture(params=["lmdb", "memory"])
async def spool(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[LmdbSpool | MemorySpool]:
    made = open_lmdb(tmp_path, clock) if request.param == "lmdb" else MemorySpool(clock, 4)
    yield made
    made.close()

"""A lake on disk, filled from a log that is made by hand."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.config.schema import Config, Lake, Server
from angarium.lake.asking.answering import Asked, Asker
from angarium.lake.asking.question import Answer, Problem, Said
from angarium.lake.compacting import Compaction
from angarium.lake.folder import Folder, lake_folder
from angarium.lake.labels import LabelFinder
from angarium.lake.model import HOUR_MS, LakeFile
from angarium.lake.opening import open_for_writing
from angarium.lake.verifying import Verified, verify
from angarium.lake.writing import LakeWriter
from angarium.queue import MessageAccepted, MessageId
from tests.history.samples import QUEUE, Log

DAY_MS = 24 * HOUR_MS


def config_of(data_dir: Path, **lake: Any) -> Config:
    settings = {"query_s": 10.0, "query_memory_octets": 256 * 1024 * 1024, **lake}
    return Config(
        server=Server(hostname="mx.example.com", data_dir=str(data_dir)),
        lake=Lake(enabled=True, **settings),
    )


class House:
    def __init__(self, data_dir: Path, log: Log, **lake: Any) -> None:
        self.log = log
        self.data_dir = data_dir
        self.config = config_of(data_dir, **lake)
        self.folder = Folder(lake_folder(self.config))
        self.catalogue, self.engine = open_for_writing(self.folder, log.clock.now)
        self.writer = LakeWriter(self.folder, self.catalogue, self.engine)
        self.writer.begin(QUEUE, log.last)
        self.labels = LabelFinder(None, self._accepted)

    async def _accepted(self, message_id: MessageId) -> MessageAccepted | None:
        for each in self.log.of(message_id):
            if isinstance(each.event, MessageAccepted):
                return each.event
        return None

    def close(self) -> None:
        self.engine.close()
        self.catalogue.close()

    def catch_up(self, flush: int = 1_000_000) -> None:
        """``flush``: events in a file at most."""
        while self.writer.position < self.log.last:
            start = self.writer.position
            batch = self.log.positions[start : start + flush]
            self.writer.add(batch, asyncio.run(self.labels.find(batch)))
            self.writer.flush(self.log.clock.now)

    def compact(self) -> None:
        now = self.log.clock.now + 2 * DAY_MS
        compaction = Compaction(self.folder, self.catalogue, self.engine)
        for hour in compaction.due(now, 0):
            compaction.compact(hour, now)

    def compact_days(self) -> None:
        now = self.log.clock.now + 2 * DAY_MS
        compaction = Compaction(self.folder, self.catalogue, self.engine)
        for day in compaction.due_days(now, 0):
            compaction.compact_day(day, now)

    @property
    def files(self) -> list[LakeFile]:
        return self.catalogue.files()

    def say(self, sql: str, tenant: str | None = None, **asked: Any) -> Said:
        return asyncio.run(Asker(self.config).ask(Asked(sql=sql, tenant=tenant, **asked)))

    def ask(self, sql: str, tenant: str | None = None, **asked: Any) -> list[Any]:
        said = self.say(sql, tenant, **asked)
        assert isinstance(said, Answer), said
        found: list[Any] = msgspec.json.decode(said.rows)
        return found

    def refused(self, sql: str, tenant: str | None = None) -> Problem:
        said = self.say(sql, tenant)
        assert isinstance(said, Problem), said
        return said

    def verify(self) -> Verified:
        return verify(self.folder, self.catalogue, self.engine)

    def sequences(self) -> list[int]:
        return [each for (each,) in self.ask("SELECT sequence FROM events ORDER BY ALL")]

    def on_disk(self) -> list[str]:
        return self.folder.names()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def house(tmp_path: Path, log: Log) -> Iterator[House]:
    found = House(tmp_path, log)
    yield found
    found.close()


def fill(
    log: Log, messages: int = 30, hours: int = 3, tenants: tuple[str, ...] = ("a", "b")
) -> None:
    """Messages of several tenants that are delivered, over some hours."""
    for number in range(messages):
        tenant = tenants[number % len(tenants)]
        message_id = log.accept(f"u{number}@{tenant}.example", tenant=tenant, tags=("t",))
        log.happen("delivered", message_id)
        log.clock.now += hours * HOUR_MS // messages

"""A log made by hand, its counters on disk, and who asks them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.analytics.asked import By, StatsQuery, StatsRow
from angarium.analytics.counter_file import CounterFile, CounterView
from angarium.analytics.counters import COUNTERS, DAY_MS, HOUR_MS, SINGLES
from angarium.analytics.reading import CounterReader
from angarium.analytics.writing import CounterWriter
from tests.history.samples import QUEUE, Log


class Counted:
    def __init__(self, folder: Path, log: Log) -> None:
        self.log = log
        self.file = CounterFile(folder)
        self.writer = CounterWriter(self.file, 90 * DAY_MS)
        self.writer.begin(QUEUE, log.last)
        self.reader = CounterReader(CounterView(folder))

    def close(self) -> None:
        self.reader.close()
        self.file.close()

    def catch_up(self, batch: int = 500) -> None:
        while self.writer.position < self.log.last:
            start = self.writer.position
            self.writer.write(self.log.positions[start : start + batch])

    def rows(self, *by: By, tenant: str | None = "default", **asked: Any) -> list[StatsRow]:
        """Of hours, where nothing else is said."""
        first = asked.pop("first", 0)
        end = asked.pop("end", first + 366 * 24)
        if not first:  # the log is of a few days
            first = self.log.clock.now // HOUR_MS - 200 * 24
            end = first + 366 * 24
        query = StatsQuery(by=by, first=first, end=end, tenant=tenant, **asked)
        return list(self.reader.ask(query).rows)

    def by(self, *by: By, **asked: Any) -> dict[Any, dict[str, int]]:
        """Return what is not zero, by key, or keys."""
        return {
            each.key if len(by) < 2 else each.keys: {
                name: number for name, number in each.counts.items() if number
            }
            for each in self.rows(*by, **asked)
        }

    def total(self, **asked: Any) -> dict[str, int]:
        return self.by(**asked).get("all", {})

    def everything(self) -> dict[str, Any]:
        kinds: tuple[By, ...] = ("hour", "tenant", *SINGLES)  # type: ignore[assignment]
        return {each: self.by(each, tenant=None) for each in kinds}

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all that is on disk, but for when it was written."""
        figures = ", ".join(("tenant", "dimension", "at", "key", *COUNTERS, "latency"))
        mails = "id, labels, recipients, started"
        with self.file.writing() as db:
            found = {
                name: db.execute(f"SELECT {figures} FROM {name} ORDER BY 1, 2, 3, 4").fetchall()
                for name in ("minute", "hour", "day")
            }
            found["message"] = db.execute(f"SELECT {mails} FROM message ORDER BY id").fetchall()
        return found


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def counted(tmp_path: Path, log: Log) -> Iterator[Counted]:
    found = Counted(tmp_path, log)
    yield found
    found.close()

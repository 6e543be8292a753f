"""The projection is tested on SQLite, and on a real PostgreSQL where its programs are installed."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from angarium.history.database import HistoryDatabase
from angarium.history.projection import Projection
from angarium.history.reading import SqlReader
from angarium.history.tables import METADATA
from tests.history.samples import QUEUE, Log
from tests.postgres import Postgres


@pytest.fixture(scope="session")
def history_url(postgres: Postgres) -> str:
    return postgres.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    if request.param == "sqlite":
        return "sqlite:///history.db"
    url: str = request.getfixturevalue("history_url")
    database = HistoryDatabase(url, tmp_path)
    with database.writing() as connection:
        METADATA.drop_all(connection)
    database.close()
    return url


@pytest.fixture
def log() -> Log:
    return Log()


class History:
    """A database, who writes it, and who reads it by the log's clock."""

    def __init__(self, database: HistoryDatabase, log: Log) -> None:
        self.database = database
        self.log = log
        self.projection = Projection(database, keeps=lambda accepted: accepted.tenant != "nobody")
        self.reader = SqlReader(database, log.clock)

    def catch_up(self, batch: int = 500) -> None:
        positions = self.log.positions
        for start in range(self.projection.position, len(positions), batch):
            self.projection.write(positions[start : start + batch])


@pytest.fixture
def open_history(url: str, tmp_path: Path, log: Log) -> Iterator[Callable[[], History]]:
    with contextlib.ExitStack() as opened:

        def open_one() -> History:
            database = HistoryDatabase(url, tmp_path)
            opened.callback(database.close)
            history = History(database, log)
            history.projection.begin(QUEUE, log.last)
            return history

        yield open_one


@pytest.fixture
def history(open_history: Callable[[], History]) -> History:
    return open_history()

"""The counters' database, ``<data_dir>/analytics.db``: SQLite, as one process writes it and many read it. Blocks.

It has a number for its form. Where it is gone, or of an older form, it is counted anew from the event log, as far as
that goes back.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from angarium.analytics.asked import CountersAwayError
from angarium.analytics.counter_tables import CREATE, FORM, MERGE_LATENCY, SUM_LATENCY
from angarium.analytics.latency import HistogramSum, merge_encoded
from angarium.host.database_file import make_database_file

FILE_NAME: Final = "analytics.db"
_BUSY_S: Final = 20.0
# A reader's question is given up behind so many of SQLite's steps: some ten seconds of one processor
_STEPS: Final = 1_000_000
_MANY_STEPS: Final = 300
# Readers never wait for the writer. A power cut may take the last transactions, and the events that they were made of
# are still in the queue
_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -16384")


class CounterFile:
    """For its one writer. A transaction is undone when its block raises."""

    def __init__(self, data_dir: Path) -> None:
        """Makes the file where there is none, mode 0600. Raises CountersAwayError."""
        self._path = data_dir / FILE_NAME
        self._is_long = False
        with _translating(self._path):
            make_database_file(self._path)
            self._db = sqlite3.connect(
                self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            try:
                for each in _PRAGMAS:
                    self._db.execute(f"PRAGMA {each}")
                self._db.create_function(MERGE_LATENCY, 2, merge_encoded, deterministic=True)
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        self._db.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Raises CountersAwayError. Within a long transaction nothing is on disk before that one ends."""
        with _translating(self._path):
            if self._is_long:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def begin_long(self) -> None:
        """Have all that is written until ``end_long`` be one transaction. Raises CountersAwayError."""
        with _translating(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            self._is_long = True

    def end_long(self, *, keep: bool) -> None:
        """``keep``: else all of it is undone. Raises CountersAwayError; then it is undone, too."""
        self._is_long = False
        with _translating(self._path):
            try:
                if keep:
                    self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def _prepare(self) -> None:
        (form,) = self._db.execute("PRAGMA user_version").fetchone()
        if form > FORM:
            raise CountersAwayError(f"{self._path} is of a newer Angarium: use that one")
        if form < FORM:
            older = (
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
            drop = "".join(f"DROP TABLE {name};" for (name,) in self._db.execute(older).fetchall())
            text = f"BEGIN IMMEDIATE; {drop} {CREATE} PRAGMA user_version = {FORM}; COMMIT;"
            self._db.executescript(text)


class CounterView:
    """For one of its readers: changes nothing, and makes no file."""

    def __init__(self, data_dir: Path) -> None:
        """Raises CountersAwayError: also where nothing was counted yet."""
        self._path = data_dir / FILE_NAME
        self._steps = 0
        with _translating(self._path):
            # Not mode=ro: where it comes first, it makes the files beside it that readers and the writer share
            self._db = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode=rw",
                uri=True,
                timeout=_BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            self._db.execute("PRAGMA query_only = ON")
            # The types know of numbers only
            self._db.create_aggregate(SUM_LATENCY, 1, HistogramSum)  # type: ignore[arg-type]
        self._db.set_progress_handler(self._step, _STEPS)

    def close(self) -> None:
        self._db.close()

    def ask(self, text: str, values: dict[str, object]) -> list[tuple[object, ...]]:
        """Raises CountersAwayError."""
        self._steps = 0
        with _translating(self._path):
            return self._db.execute(text, values).fetchall()

    def _step(self) -> int:
        self._steps += 1
        return self._steps > _MANY_STEPS


@contextlib.contextmanager
def _translating(path: Path) -> Iterator[None]:
    try:
        yield
    except CountersAwayError:
        raise
    except (OSError, sqlite3.Error) as error:
        raise CountersAwayError(f"{path}: {error}") from error

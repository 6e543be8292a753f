"""The counters' database, ``<data_dir>/analytics.db``: SQLite, as one process writes it and many read it. Blocks.

Where it is gone, or of an older form, it is counted anew from the event log, as far as that goes back.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from angarium.analytics.asked import CountersAwayError
from angarium.analytics.counter_tables import CREATE, FORM, MERGE_LATENCY, SUM_LATENCY
from angarium.analytics.latency import HistogramSum, merge_encoded
from angarium.host.sqlite_file import FileForm, SqliteFile, SqliteView

FILE_NAME: Final = "analytics.db"
_FORM: Final = FileForm(
    number=FORM,
    tables=CREATE,
    is_made_anew=True,
    # The events that the last transactions were made of are still in the queue
    is_durable=False,
    cache_kib=16_384,
    away=CountersAwayError,
)


class CounterFile(SqliteFile):
    """For its one writer. All raise CountersAwayError."""

    def __init__(self, data_dir: Path) -> None:
        self._is_long = False
        super().__init__(data_dir / FILE_NAME, _FORM)
        self.db.create_function(MERGE_LATENCY, 2, merge_encoded, deterministic=True)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Within a long transaction nothing is on disk before that one ends."""
        if self._is_long:
            with self.translating():
                yield self.db
            return
        with super().writing() as db:
            yield db

    def begin_long(self) -> None:
        """Have all that is written until ``end_long`` be one transaction."""
        with self.translating():
            self.db.execute("BEGIN IMMEDIATE")
            self._is_long = True

    def end_long(self, *, keep: bool) -> None:
        """``keep``: else all of it is undone. It is, too, where this raises."""
        self._is_long = False
        with self.translating():
            try:
                if keep:
                    self.db.execute("COMMIT")
            finally:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")


class CounterView(SqliteView):
    """For one of its readers. All raise CountersAwayError."""

    def __init__(self, data_dir: Path) -> None:
        """Also raises it where nothing was counted yet."""
        super().__init__(data_dir / FILE_NAME, _FORM)
        # The types know of numbers only
        self.db.create_aggregate(SUM_LATENCY, 1, HistogramSum)  # type: ignore[arg-type]

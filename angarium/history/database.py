"""The projection's database: made, known again, and given away empty. Blocks: never on an event loop.

Its tables are plain, with a number for their form, and no steps of Alembic: one process alone writes it, and what is in
it can be had again from the event log for as long as that goes back. A new form is brought about in ``prepare``.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.history.story import HistoryAwayError
from angarium.history.tables import FORM, METADATA, STATE
from angarium.tenancy.engine import make_engine, translating
from angarium.tenancy.location import sqlite_path
from angarium.tenancy.model import TenancySetupError

KEY: Final = "history.database"
# Readers never wait for the writer. A power cut may take the last transactions, and the events that they were made of
# are still in the queue
_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -16384")
# Of PostgreSQL's advisory locks; ours: "anh"
_LOCK: Final = 0x616E68


class HistoryDatabase:
    """The events of one queue, and what they came to, as one process writes it and many read it."""

    def __init__(self, url: str, data_dir: Path) -> None:
        """Nothing is opened yet, except that a file of SQLite is made. Raises HistoryAwayError."""
        try:
            self._engine = make_engine(url, data_dir, KEY, _PRAGMAS)
        except TenancySetupError as error:
            raise HistoryAwayError(str(error)) from error
        self.name: Final = self._engine.url.render_as_string(hide_password=True)
        self.is_sqlite: Final = self._engine.dialect.name == "sqlite"
        self.path: Final = sqlite_path(url, data_dir, KEY)  # None: it is a server's

    def close(self) -> None:
        self._engine.dispose()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a transaction that sees one state. Raises HistoryAwayError."""
        with self._translating(), self._engine.connect() as connection:
            # There, each statement would see a state of its own
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a transaction that is undone when the block raises. Raises HistoryAwayError."""
        with self._translating(), self._engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def prepare(self, queue: bytes) -> int:
        """Make the tables for the queue of this identity; return the position.

        A file of ours that is of another queue is emptied. Raises HistoryAwayError, for a PostgreSQL that another
        server uses, too.
        """
        with self.writing() as connection:
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            METADATA.create_all(connection)
            found = connection.execute(sa.select(STATE)).one_or_none()
            if found is not None and found.form > FORM:
                raise HistoryAwayError(f"{KEY}: {self.name} is of a newer Angarium: use that one")
            if found is not None and bytes(found.queue) == queue:
                return int(found.position)
            if found is not None and not self.is_sqlite:
                raise HistoryAwayError(
                    f"{KEY}: {self.name} has the history of another server: give each a database of its own"
                )
            METADATA.drop_all(connection)
            METADATA.create_all(connection)
            connection.execute(sa.insert(STATE).values(id=1, form=FORM, queue=queue, position=0))
            return 0

    def _translating(self) -> "contextlib.AbstractContextManager[None]":
        return _away(self.name)


@contextlib.contextmanager
def _away(name: str) -> Iterator[None]:
    try:
        with translating(KEY, name):
            yield
    except TenancySetupError as error:
        raise HistoryAwayError(str(error)) from error

"""An SQLite database in a file of its own: one form, who writes it in transactions, and who only reads it. Blocks.

Readers never wait for a writer.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from angarium.host.database_file import make_database_file

_BUSY_S: Final = 20.0
# A reader's question is given up behind so many of SQLite's steps: some ten seconds of one processor
_STEPS: Final = 1_000_000
_MANY_STEPS: Final = 300
_ENDED: Final = ";\n"  # each statement of a form; a semicolon alone may be in a comment


class FileForm(msgspec.Struct, frozen=True, kw_only=True):
    """What databases of a kind are. ``tables`` makes the form ``number``; ``steps`` the form of its number out of the
    one before it. An older form that no step leaves is dropped, and made anew, where it ``is_made_anew``.
    """

    number: int
    tables: str
    steps: Mapping[int, str] = {}
    is_made_anew: bool = False
    is_durable: bool  # else a power cut may take the last transactions
    cache_kib: int = 2000
    away: type[OSError]  # what is raised where the file cannot be used; nothing has changed then
    remedy: str = ""  # where it is damaged

    @contextlib.contextmanager
    def translating(self, path: Path) -> Iterator[None]:
        """Have ``away`` raised for all that SQLite and the disk say."""
        try:
            yield
        except self.away:
            raise
        except (OSError, sqlite3.Error) as error:
            # What is more special is of the disk, or of somebody who holds it
            is_damaged = type(error) is sqlite3.DatabaseError
            advice = f"; {self.remedy}" if self.remedy and is_damaged else ""
            raise self.away(f"{path}: {error}{advice}") from error


class SqliteFile:
    """For who writes. A transaction is undone when its block raises. All raise the form's ``away``."""

    def __init__(self, path: Path, form: FileForm, *, make: bool = True) -> None:
        """``make``: the file where there is none, mode 0600."""
        self.path: Final = path
        self._form = form
        with form.translating(path):
            if make:
                make_database_file(path)
            self.db: Final = _open(path)
            try:
                self.db.execute("PRAGMA journal_mode = WAL")
                self.db.execute(f"PRAGMA synchronous = {'FULL' if form.is_durable else 'NORMAL'}")
                self.db.execute(f"PRAGMA cache_size = -{form.cache_kib}")
                self._prepare()
            except BaseException:
                self.db.close()
                raise

    def close(self) -> None:
        self.db.close()

    @contextlib.contextmanager
    def translating(self) -> Iterator[None]:
        with self._form.translating(self.path):
            yield

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        with self.translating():
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise

    def _prepare(self) -> None:
        form = self._form
        if self._number() == form.number:
            return
        with self.writing():
            # Again, now that nobody else can
            number = self._number()
            if number > form.number:
                raise form.away(f"{self.path} is of a newer Angarium: use that one")
            if number and form.is_made_anew:
                self._drop()
                number = 0
            if number == 0:
                self._execute(form.tables)
            else:
                for step in range(number + 1, form.number + 1):
                    self._execute(form.steps[step])
            self.db.execute(f"PRAGMA user_version = {form.number}")

    def _number(self) -> int:
        return int(self.db.execute("PRAGMA user_version").fetchone()[0])

    def _drop(self) -> None:
        text = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        for (name,) in self.db.execute(text).fetchall():
            self.db.execute(f"DROP TABLE {name}")

    def _execute(self, text: str) -> None:
        """Not executescript: that commits first."""
        for each in text.split(_ENDED):
            self.db.execute(each)


class SqliteView:
    """For who reads: changes nothing, and makes no file. All raise the form's ``away``."""

    def __init__(self, path: Path, form: FileForm) -> None:
        """Also raises it where there is no file."""
        self.path: Final = path
        self._form = form
        self._steps = 0
        with form.translating(path):
            self.db: Final = _open(path)
            self.db.execute("PRAGMA query_only = ON")
        self.db.set_progress_handler(self._step, _STEPS)

    def close(self) -> None:
        self.db.close()

    def ask(self, text: str, values: Mapping[str, object]) -> list[tuple[object, ...]]:
        self._steps = 0
        with self._form.translating(self.path):
            return self.db.execute(text, values).fetchall()

    def _step(self) -> int:
        self._steps += 1
        return self._steps > _MANY_STEPS


def _open(path: Path) -> sqlite3.Connection:
    """Not mode=ro, for readers either: who comes first makes the files beside it that all share."""
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )

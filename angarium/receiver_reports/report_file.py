"""The database of reports, ``<data_dir>/receiver-reports.db``: SQLite, written in short transactions by whoever brings
a report: the platform process, those that serve the API, commands. Blocks.

It has a number for its form. It cannot be made anew from anything else: it belongs into a backup.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from angarium.host.database_file import make_database_file

FILE_NAME: Final = "receiver-reports.db"
_BUSY_S: Final = 20.0
# A reader's question is given up behind so many of SQLite's steps: some ten seconds of one processor
_STEPS: Final = 1_000_000
_MANY_STEPS: Final = 300
_FORM: Final = 1
# Full: a mail is forgotten in the queue once its report is in here
_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "cache_size = -8192")
_TABLES: Final = """
CREATE TABLE report (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, organization TEXT NOT NULL, report_id TEXT NOT NULL,
    -- Unix seconds; received: milliseconds
    begins INTEGER NOT NULL, ends INTEGER NOT NULL, received INTEGER NOT NULL,
    -- whose policy it is about; "": of several
    domain TEXT NOT NULL,
    -- how it came: mail, import, upload; and the name of the file
    via TEXT NOT NULL, name TEXT NOT NULL,
    rows INTEGER NOT NULL, messages INTEGER NOT NULL, head BLOB NOT NULL,
    UNIQUE (kind, organization, report_id, begins, domain));
CREATE INDEX report_ends ON report (ends);
CREATE TABLE domain (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE dmarc (
    report INTEGER NOT NULL, day INTEGER NOT NULL, domain INTEGER NOT NULL, address TEXT NOT NULL,
    count INTEGER NOT NULL, disposition TEXT NOT NULL, policy TEXT NOT NULL,
    -- each aligned, failed, unaligned or none, and what there was
    dkim TEXT NOT NULL, spf TEXT NOT NULL, dkim_detail TEXT NOT NULL, spf_detail TEXT NOT NULL,
    -- the first reason not to follow the policy
    override TEXT NOT NULL, envelope_from TEXT NOT NULL, envelope_to TEXT NOT NULL);
CREATE INDEX dmarc_day ON dmarc (day, domain);
CREATE INDEX dmarc_report ON dmarc (report);
CREATE TABLE tls (
    report INTEGER NOT NULL, day INTEGER NOT NULL, domain INTEGER NOT NULL, policy TEXT NOT NULL,
    successful INTEGER NOT NULL, failed INTEGER NOT NULL, hosts TEXT NOT NULL, strings TEXT NOT NULL);
CREATE INDEX tls_day ON tls (day, domain);
CREATE INDEX tls_report ON tls (report);
CREATE TABLE tls_failure (
    report INTEGER NOT NULL, day INTEGER NOT NULL, domain INTEGER NOT NULL, policy TEXT NOT NULL,
    result TEXT NOT NULL, count INTEGER NOT NULL, mx TEXT NOT NULL, sending TEXT NOT NULL,
    receiving TEXT NOT NULL, reason TEXT NOT NULL, more TEXT NOT NULL);
CREATE INDEX tls_failure_day ON tls_failure (day, domain);
CREATE INDEX tls_failure_report ON tls_failure (report);
CREATE TABLE refusal (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, via TEXT NOT NULL, name TEXT NOT NULL, why TEXT NOT NULL);
CREATE TABLE figure (
    -- google or microsoft; a domain or an address; a value, or a word
    provider TEXT NOT NULL, subject TEXT NOT NULL, day INTEGER NOT NULL, name TEXT NOT NULL,
    value REAL, word TEXT NOT NULL, read INTEGER NOT NULL,
    PRIMARY KEY (provider, subject, day, name)) WITHOUT ROWID;
CREATE INDEX figure_day ON figure (day);
CREATE TABLE poll (
    provider TEXT PRIMARY KEY, tried INTEGER NOT NULL, succeeded INTEGER, problem TEXT NOT NULL,
    failures INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE token (
    -- One that a provider gave in place of the one in the key file, whose digest is its seed
    provider TEXT PRIMARY KEY, seed BLOB NOT NULL, token TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE came_back (
    -- complaint or bounce; its type or class
    tenant TEXT NOT NULL, day INTEGER NOT NULL, kind TEXT NOT NULL, class TEXT NOT NULL,
    provider TEXT NOT NULL, source TEXT NOT NULL, domain TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (tenant, day, kind, class, provider, source, domain)) WITHOUT ROWID;
CREATE INDEX came_back_day ON came_back (day);
CREATE TABLE followed (
    -- Of the queue whose events were counted, and the sequence number of the last of them
    id INTEGER PRIMARY KEY, queue BLOB NOT NULL, position INTEGER NOT NULL);
"""


class ReportsAwayError(OSError):
    """The reports cannot be used now; says why. What is in them is as it was."""


class ReportFile:
    """For who writes. A transaction is undone when its block raises."""

    def __init__(self, data_dir: Path) -> None:
        """Makes the file where there is none, mode 0600. Raises ReportsAwayError."""
        self._path = data_dir / FILE_NAME
        with _translating(self._path):
            make_database_file(self._path)
            self._db = sqlite3.connect(
                self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            try:
                for each in _PRAGMAS:
                    self._db.execute(f"PRAGMA {each}")
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        self._db.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Raises ReportsAwayError."""
        with _translating(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _prepare(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")  # two may come first at once
        try:
            (form,) = self._db.execute("PRAGMA user_version").fetchone()
            if form > _FORM:
                raise ReportsAwayError(f"{self._path} is of a newer Angarium: use that one")
            if form == 0:
                for each in _TABLES.split(";\n"):
                    self._db.execute(each)
                self._db.execute(f"PRAGMA user_version = {_FORM}")
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise


class ReportView:
    """For who reads: changes nothing, and makes no file."""

    def __init__(self, data_dir: Path) -> None:
        """Raises ReportsAwayError: also where there are no reports yet."""
        self._path = data_dir / FILE_NAME
        self._steps = 0
        with _translating(self._path):
            # Not mode=ro: where it comes first, it makes the files beside it that readers and writers share
            self._db = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode=rw",
                uri=True,
                timeout=_BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            self._db.execute("PRAGMA query_only = ON")
        self._db.set_progress_handler(self._step, _STEPS)

    def close(self) -> None:
        self._db.close()

    def ask(
        self,
        text: str,
        values: dict[str, object],
        seen: Callable[[str], bool] = lambda _name: True,
    ) -> list[tuple[object, ...]]:
        """``seen``: what the SQL function of that name says of a domain. Raises ReportsAwayError."""
        self._steps = 0
        with _translating(self._path):
            self._db.create_function("seen", 1, lambda name: int(seen(str(name))))
            return self._db.execute(text, values).fetchall()

    def _step(self) -> int:
        self._steps += 1
        return self._steps > _MANY_STEPS


@contextlib.contextmanager
def _translating(path: Path) -> Iterator[None]:
    try:
        yield
    except ReportsAwayError:
        raise
    except (OSError, sqlite3.Error) as error:
        raise ReportsAwayError(f"{path}: {error}") from error

"""The database of reports, ``<data_dir>/receiver-reports.db``: SQLite, written in short transactions by whoever brings
a report: the platform process, those that serve the API, commands. Blocks.

It cannot be made anew from anything else: it belongs into a backup.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from angarium.host.sqlite_file import FileForm, SqliteFile, SqliteView

FILE_NAME: Final = "receiver-reports.db"
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


_FORM: Final = FileForm(
    number=1,
    tables=_TABLES,
    is_durable=True,  # a mail is forgotten in the queue once its report is in here
    cache_kib=8192,
    away=ReportsAwayError,
)


class ReportFile(SqliteFile):
    """For who writes. All raise ReportsAwayError."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir / FILE_NAME, _FORM)


class ReportView(SqliteView):
    """For who reads. All raise ReportsAwayError."""

    def __init__(self, data_dir: Path) -> None:
        """Also raises it where there are no reports yet."""
        super().__init__(data_dir / FILE_NAME, _FORM)

    def ask(
        self,
        text: str,
        values: Mapping[str, object],
        seen: Callable[[str], bool] = lambda _name: True,
    ) -> list[tuple[object, ...]]:
        """``seen``: what the SQL function of that name says of a domain."""
        self.db.create_function("seen", 1, lambda name: int(seen(str(name))))
        return super().ask(text, values)

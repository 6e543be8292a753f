"""Puts reports, refusals and figures into the file, and lets old ones go in small steps. Blocks: in a thread."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from angarium.queue.model import UnixMs
from angarium.receiver_reports.alignment import alignment_of
from angarium.receiver_reports.figures import Figure
from angarium.receiver_reports.model import (
    DmarcReport,
    ReceivedReport,
    Refused,
    TlsReport,
)
from angarium.receiver_reports.report_file import ReportFile

Via = Literal["mail", "import", "upload"]
DAY_S: Final = 86_400
DAY_MS: Final = 86_400_000
# Ours: rows of DMARC reports that are kept in all; with more, the oldest reports make room
MAX_ROWS_KEPT: Final = 5_000_000
MAX_REFUSALS: Final = 1000
# Ours: reports that are deleted in one transaction
FORGET_STEP: Final = 20
_OLD_FIGURES: Final = """
DELETE FROM figure WHERE (provider, subject, day, name) IN (
    SELECT provider, subject, day, name FROM figure WHERE day < ? LIMIT 500)
"""
_OLD_CAME_BACK: Final = """
DELETE FROM came_back WHERE (tenant, day, kind, class, provider, source, domain) IN (
    SELECT tenant, day, kind, class, provider, source, domain FROM came_back WHERE day < ? LIMIT 500)
"""
_ROW_TABLES: Final = ("dmarc", "tls", "tls_failure")


class DmarcHead(msgspec.Struct, frozen=True, kw_only=True):
    """What of a DMARC report is in no table. On disk as JSON, so fields are only added, with a default."""

    p: str
    sp: str = ""
    np: str = ""
    adkim: str = ""
    aspf: str = ""
    pct: str = ""
    fo: str = ""
    testing: str = ""
    discovery: str = ""
    version: str = ""
    generator: str = ""
    contact: str = ""
    errors: tuple[str, ...] = ()
    skipped: int = 0
    skipped_why: str = ""


class TlsHead(msgspec.Struct, frozen=True, kw_only=True):
    contact: str = ""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a report."""

    id: int
    is_new: bool  # else it was there already, and counts once


class ReportWriter:
    """Invariants:

    RVW1. A report counts once: one of the same reporter, id, beginning and domain as one that is there is not added.
    RVW2. A report is there with all of its rows, or not at all.
    """

    def __init__(self, file: ReportFile) -> None:
        self._file = file

    def add(self, report: ReceivedReport, now: UnixMs, via: Via, name: str = "") -> Stored:
        """On disk when it returns. Raises ReportsAwayError."""
        with self._file.writing() as db:  # RVW2
            key = _key(report)
            found = db.execute(
                "SELECT id FROM report WHERE kind = ? AND organization = ? AND report_id = ? AND begins = ?"
                " AND domain = ?",
                key,
            ).fetchone()
            if found is not None:
                return Stored(id=found[0], is_new=False)  # RVW1
            return Stored(id=_insert(db, report, key, now, via, name), is_new=True)

    def refuse(self, refused: Sequence[Refused], now: UnixMs, via: Via) -> None:
        """Note why something was not taken; of those the newest are kept. Raises ReportsAwayError."""
        with self._file.writing() as db:
            rows = [(now, via, each.name, each.why) for each in refused]
            db.executemany("INSERT INTO refusal (at, via, name, why) VALUES (?, ?, ?, ?)", rows)
            newest = "SELECT id FROM refusal ORDER BY id DESC LIMIT ?"
            db.execute(f"DELETE FROM refusal WHERE id NOT IN ({newest})", (MAX_REFUSALS,))  # noqa: S608

    def note(self, figures: Iterable[Figure], now: UnixMs) -> int:
        """What a provider says anew of a day counts in place of what it said before. Returns how many there were."""
        rows = [
            (each.provider, each.subject, each.day, each.name, each.value, each.word, now)
            for each in figures
        ]
        with self._file.writing() as db:
            db.executemany("INSERT OR REPLACE INTO figure VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        return len(rows)

    def forget(self, before: UnixMs) -> bool:
        """Delete some of what is of before; returns whether there may be more. One small transaction."""
        with self._file.writing() as db:
            old = "SELECT id FROM report WHERE ends < ? ORDER BY ends LIMIT ?"
            going = [each for (each,) in db.execute(old, (before // 1000, FORGET_STEP))]
            (rows,) = db.execute("SELECT coalesce(sum(rows), 0) FROM report").fetchone()
            if not going and rows > MAX_ROWS_KEPT:
                oldest = "SELECT id FROM report ORDER BY ends LIMIT ?"
                going = [each for (each,) in db.execute(oldest, (FORGET_STEP,))]
            for each in going:
                for table in _ROW_TABLES:
                    db.execute(f"DELETE FROM {table} WHERE report = ?", (each,))  # noqa: S608
                db.execute("DELETE FROM report WHERE id = ?", (each,))
            day = before // DAY_MS
            gone = [db.execute(each, (day,)).rowcount for each in (_OLD_FIGURES, _OLD_CAME_BACK)]
            db.execute("DELETE FROM refusal WHERE at < ?", (before,))
        return bool(going) or any(gone)


def day_of(report: ReceivedReport) -> int:
    """Return the day that it is of, since 1970: that of the middle of its span. Some begin it at their own midnight."""
    return (report.begin + report.end) // 2 // DAY_S


def _key(report: ReceivedReport) -> tuple[str, str, str, int, str]:
    if isinstance(report, DmarcReport):
        domain, kind = report.policy.domain, "dmarc"
    else:
        names = {each.domain for each in report.policies}
        domain, kind = (names.pop() if len(names) == 1 else ""), "tls"
    return kind, report.organization, report.report_id, report.begin, domain


def _insert(
    db: sqlite3.Connection,
    report: ReceivedReport,
    key: tuple[str, str, str, int, str],
    now: UnixMs,
    via: Via,
    name: str,
) -> int:
    kind, organization, report_id, begin, domain = key
    if isinstance(report, DmarcReport):
        rows, messages = len(report.rows), sum(each.count for each in report.rows)
    else:
        rows = len(report.policies)
        messages = sum(each.successful + each.failed for each in report.policies)
    fields = (kind, organization, report_id, begin, report.end, now, domain, via, name[:300])
    number = db.execute(
        "INSERT INTO report (kind, organization, report_id, begins, ends, received, domain, via, name, rows, messages,"
        " head) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*fields, rows, messages, _head(report)),
    ).lastrowid
    assert number is not None  # SQLite says so of an INSERT
    if isinstance(report, DmarcReport):
        _insert_dmarc(db, report, number)
    else:
        _insert_tls(db, report, number)
    return number


def _head(report: ReceivedReport) -> bytes:
    if isinstance(report, TlsReport):
        return msgspec.json.encode(TlsHead(contact=report.contact))
    policy = report.policy
    head = DmarcHead(
        p=policy.p,
        sp=policy.sp,
        np=policy.np,
        adkim=policy.adkim,
        aspf=policy.aspf,
        pct=policy.pct,
        fo=policy.fo,
        testing=policy.testing,
        discovery=policy.discovery,
        version=report.version,
        generator=report.generator,
        contact=report.contact,
        errors=report.errors,
        skipped=report.skipped,
        skipped_why=report.skipped_why,
    )
    return msgspec.json.encode(head)


def _insert_dmarc(db: sqlite3.Connection, report: DmarcReport, number: int) -> None:
    day, domains = day_of(report), _Domains(db)
    rows = []
    for each in report.rows:
        why = alignment_of(each, report.policy.domain)
        override = each.overrides[0] if each.overrides else None
        override_text = "" if override is None else f"{override.type} {override.comment}".strip()
        row = (
            *(number, day, domains.number(each.header_from), each.address, each.count),
            *(each.disposition, report.policy.p, why.dkim, why.spf),
            *(why.dkim_detail, why.spf_detail, override_text),
            *(each.envelope_from, each.envelope_to),
        )
        rows.append(row)
    db.executemany(f"INSERT INTO dmarc VALUES ({', '.join('?' * 14)})", rows)  # noqa: S608


def _insert_tls(db: sqlite3.Connection, report: TlsReport, number: int) -> None:
    day, domains = day_of(report), _Domains(db)
    for policy in report.policies:
        domain = domains.number(policy.domain)
        hosts, strings = " ".join(policy.hosts), "; ".join(policy.strings)
        db.execute(
            "INSERT INTO tls VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (number, day, domain, policy.type, policy.successful, policy.failed, hosts, strings),
        )
        failures = [
            (
                *(number, day, domain, policy.type, each.result, each.count),
                *(each.mx, each.sending, each.receiving, each.reason, each.more),
            )
            for each in policy.failures
        ]
        db.executemany(f"INSERT INTO tls_failure VALUES ({', '.join('?' * 11)})", failures)  # noqa: S608


class _Domains:
    """Names as numbers, within one transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._known: dict[str, int] = {}

    def number(self, name: str) -> int:
        found = self._known.get(name)
        if found is None:
            self._db.execute("INSERT OR IGNORE INTO domain (name) VALUES (?)", (name,))
            row = self._db.execute("SELECT id FROM domain WHERE name = ?", (name,)).fetchone()
            found = self._known[name] = int(row[0])
        return found

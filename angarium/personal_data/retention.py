"""How long each kind of what is stored is kept, by the configuration, and what there is of it. Blocks."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import sqlalchemy as sa

from angarium.analytics.counter_file import FILE_NAME as COUNTER_FILE
from angarium.config.schema import Config
from angarium.history.database import HistoryDatabase
from angarium.history.opening import history_url
from angarium.history.story import HistoryAwayError
from angarium.history.tables import MESSAGE
from angarium.lake.folder import lake_folder
from angarium.queue.lmdb.ages import Age, QueueAges
from angarium.queue.model import UnixMs
from angarium.receiver_reports.report_file import FILE_NAME as RECEIVED_FILE
from angarium.service.platform.mail_log_retention import first_line_ms
from angarium.service.platform.mail_log_search import log_files
from angarium.tenancy.audit.book import AuditBook
from angarium.tenancy.location import sqlite_path
from angarium.uploads import uploads_directory
from angarium.webhooks.outbox import FILE_NAME as OUTBOX_FILE

_DAY_S: Final = 86_400


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    key: str  # of the configuration: it says how long
    kept_s: int
    oldest: UnixMs | None = None  # None: there is none, or nobody knows
    amount: int | None = None  # None: nobody knows
    unit: str = ""  # of the amount


def kinds(config: Config, ages: QueueAges | None, audit: AuditBook) -> Iterator[Kept]:
    """Yield each kind. ``ages`` None: there is no queue. What cannot be reached has no age."""
    data_dir, days = Path(config.server.data_dir), config.retention
    ages = ages or QueueAges(events=Age(), reports=Age(), rows=Age())
    yield _aged("events", "queue.event_retention_s", config.queue.event_retention_s, ages.events)
    history = _history_age(config, data_dir)
    keep_s = config.history.keep_days * _DAY_S
    yield _aged("messages", "history.keep_days", keep_s, history)
    told_s = days.opens_and_clicks_days * _DAY_S
    yield Kept(kind="opens and clicks", key="retention.opens_and_clicks_days", kept_s=told_s)
    yield _mail_log(config, days.mail_log_days * _DAY_S)
    yield _aged("reports", "feedback.kept_s", config.feedback.kept_s, ages.reports)
    outbox = _age_of(data_dir / OUTBOX_FILE, "SELECT min(created), count(*) FROM delivery")
    yield _aged("webhook deliveries", "webhook.retention_s", config.webhook.retention_s, outbox)
    rows_s = config.campaigns.keep_days * _DAY_S
    yield _aged("campaign rows", "campaigns.keep_days", rows_s, ages.rows)
    uploads = uploads_directory(data_dir).glob("*/*")
    upload_s = config.uploads.complete_s
    yield _files("uploads", "uploads.complete_s", upload_s, [*uploads])
    counter_s = config.analytics.keep_days * _DAY_S
    counters = [data_dir / COUNTER_FILE]
    yield _files("counters", "analytics.keep_days", counter_s, counters, is_aged=False)
    daily_s = config.analytics.keep_daily_days * _DAY_S
    yield Kept(kind="counters of days", key="analytics.keep_daily_days", kept_s=daily_s)
    yield _lake(config)
    received_s = config.receiver_reports.keep_days * _DAY_S
    received = [data_dir / RECEIVED_FILE]
    key = "receiver_reports.keep_days"
    yield _files("receiver reports", key, received_s, received, is_aged=False)
    oldest = next(audit.links(), None)
    first = Age(
        oldest=None if oldest is None else oldest.entry.at,
        count=0 if oldest is None else audit.head().number - oldest.number + 1,
    )
    yield _aged("audit", "retention.audit_days", days.audit_days * _DAY_S, first)


def _aged(kind: str, key: str, kept_s: float, age: Age | None) -> Kept:
    if age is None:
        return Kept(kind=kind, key=key, kept_s=int(kept_s))
    return Kept(
        kind=kind, key=key, kept_s=int(kept_s), oldest=age.oldest, amount=age.count, unit="records"
    )


def _files(kind: str, key: str, kept_s: float, paths: list[Path], *, is_aged: bool = True) -> Kept:
    states = [each.stat() for each in paths if each.is_file()]
    oldest = min((each.st_mtime for each in states), default=None)
    return Kept(
        kind=kind,
        key=key,
        kept_s=int(kept_s),
        oldest=None if oldest is None or not is_aged else UnixMs(int(oldest * 1000)),
        amount=sum(each.st_size for each in states),
        unit="octets",
    )


def _mail_log(config: Config, kept_s: int) -> Kept:
    key, mail_log = "retention.mail_log_days", config.log.mail_log
    if not mail_log or mail_log == "-":
        return Kept(kind="mail log", key=key, kept_s=kept_s)
    files = log_files(mail_log, None)
    began = [at for at in map(first_line_ms, files) if at is not None]
    kept = _files("mail log", key, kept_s, files)
    return msgspec.structs.replace(kept, oldest=min(began, default=kept.oldest))


def _lake(config: Config) -> Kept:
    folder = lake_folder(config)
    files = [*folder.rglob("*.parquet")] if folder.is_dir() else []
    return _files("lake", "lake.keep_days", config.lake.keep_days * _DAY_S, files)


def _history_age(config: Config, data_dir: Path) -> Age | None:
    url = history_url(config)
    path = sqlite_path(url, data_dir, "history.database")
    if path is not None and not path.exists():
        return None
    try:
        database = HistoryDatabase(url, data_dir)
        try:
            with database.reading() as connection:
                if not sa.inspect(connection).has_table(MESSAGE.name):
                    return None
                found = sa.select(sa.func.min(MESSAGE.c.created), sa.func.count())
                row = connection.execute(found.select_from(MESSAGE)).one()
        finally:
            database.close()
    except HistoryAwayError:
        return None
    return Age(oldest=None if row[0] is None else UnixMs(row[0]), count=row[1])


def _age_of(file: Path, question: str) -> Age | None:
    if not file.exists():
        return None
    try:
        db = sqlite3.connect(file, timeout=5)
        try:
            oldest, count = db.execute(question).fetchone()
        finally:
            db.close()
    except sqlite3.Error:
        return None
    return Age(oldest=None if oldest is None else UnixMs(oldest), count=count)

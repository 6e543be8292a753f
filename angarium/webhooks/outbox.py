"""What is still to be told to endpoints, and the log of what was: ``<data_dir>/webhooks.db``, SQLite. Blocks.

It belongs to the queue beside it, whose event log fills it. Several processes may have it open: the courier's, and
whoever lists and replays. What a method has changed is on disk when it returns.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from angarium.host.database_file import make_database_file
from angarium.queue.model import UnixMs
from angarium.webhooks.delivery import (
    AttemptRecord,
    Delivery,
    DeliveryFilter,
    Depth,
    Health,
    NewDelivery,
    Outcome,
    State,
)

FILE_NAME: Final = "webhooks.db"
BUSY_S: Final = 20.0
TRIM_AT_ONCE: Final = 2000  # rows of one transaction: others write between two
_FORMAT: Final = 1
_TABLES: Final = """
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, endpoint TEXT NOT NULL, url TEXT NOT NULL,
    event_id TEXT NOT NULL, type TEXT NOT NULL, email_id TEXT NOT NULL, recipient TEXT NOT NULL,
    happening BLOB NOT NULL, state INTEGER NOT NULL, due INTEGER, attempts INTEGER NOT NULL,
    created INTEGER NOT NULL, done INTEGER, http_status INTEGER NOT NULL, text TEXT NOT NULL);
CREATE UNIQUE INDEX delivery_event ON delivery (endpoint, event_id);
CREATE INDEX delivery_ready ON delivery (endpoint, due) WHERE state = 0 AND due IS NOT NULL;
CREATE INDEX delivery_order ON delivery (endpoint, email_id, id) WHERE state = 0;
CREATE INDEX delivery_list ON delivery (endpoint, id);
CREATE INDEX delivery_failed ON delivery (endpoint, id) WHERE state = 2;
CREATE INDEX delivery_done ON delivery (done) WHERE done IS NOT NULL;
CREATE TABLE attempt (
    delivery INTEGER NOT NULL REFERENCES delivery (id) ON DELETE CASCADE, number INTEGER NOT NULL,
    at INTEGER NOT NULL, duration_ms INTEGER NOT NULL, url TEXT NOT NULL, http_status INTEGER NOT NULL,
    text TEXT NOT NULL, PRIMARY KEY (delivery, number)) WITHOUT ROWID;
CREATE TABLE health (
    endpoint TEXT PRIMARY KEY, failing_since INTEGER, failures INTEGER NOT NULL, last_success INTEGER);
CREATE TABLE callback (email_id TEXT PRIMARY KEY, url TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
"""
_INSERT: Final = """
INSERT OR IGNORE INTO delivery (tenant, endpoint, url, event_id, type, email_id, recipient, happening, state, due,
    attempts, created, http_status, text)
VALUES (:tenant, :endpoint, :url, :event_id, :type, :email_id, :recipient, :happening, 0,
    CASE WHEN :email_id <> '' AND EXISTS (
        SELECT 1 FROM delivery WHERE endpoint = :endpoint AND email_id = :email_id AND state = 0
    ) THEN NULL ELSE :now END, 0, :now, 0, '')
"""
_COLUMNS: Final = (
    "id, tenant, endpoint, url, event_id, type, email_id, recipient, happening, state, due, attempts, created, done,"
    " http_status, text"
)


class OutboxError(Exception):
    """The file cannot be used; the text names it."""


class Outbox:
    """Invariant OB1: of one message, at one endpoint, only the first delivery that waits is due; a replay is besides.

    Invariant OB2: an event is told to an endpoint once, however often it is handed over.
    """

    def __init__(self, path: Path) -> None:
        """Makes the file where there is none. Raises OutboxError."""
        self.path: Final = path
        try:
            make_database_file(path)
            self._db = sqlite3.connect(
                path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                self._db.execute(f"PRAGMA {pragma}")
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise OutboxError(f"{path}: {error}") from None

    def close(self) -> None:
        self._db.close()

    def version(self) -> int:
        """Return a number that changes when another process has changed something."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def add(
        self,
        deliveries: Iterable[NewDelivery],
        now: UnixMs,
        callbacks: Mapping[str, str] | None = None,
    ) -> None:
        """``callbacks``: URLs that messages are accompanied with, by email id, for their later events."""
        with self._changing() as db:
            # OB2: by the index of event and endpoint
            db.executemany(_INSERT, (_values(each, now) for each in deliveries))
            db.executemany(
                "INSERT OR IGNORE INTO callback VALUES (?, ?, ?)",
                ((email_id, url, now) for email_id, url in (callbacks or {}).items()),
            )

    def callbacks(self, email_ids: Iterable[str]) -> dict[str, str]:
        """Return the callback URLs of those messages that have one."""
        question = "SELECT url FROM callback WHERE email_id = ?"
        found = {each: self._db.execute(question, (each,)).fetchone() for each in email_ids}
        return {each: row[0] for each, row in found.items() if row is not None}

    def has_callbacks(self) -> bool:
        return self._db.execute("SELECT 1 FROM callback LIMIT 1").fetchone() is not None

    def waiting(self) -> dict[str, UnixMs]:
        """Return when the first delivery of each endpoint is due."""
        rows = self._db.execute(
            "SELECT endpoint, min(due) FROM delivery WHERE state = 0 AND due IS NOT NULL GROUP BY endpoint"
        )
        return {endpoint: UnixMs(due) for endpoint, due in rows}

    def depth(self) -> Depth:
        """Return how much is in it, from its indexes of what waits and of what was given up."""
        waiting, first_due = self._db.execute(
            "SELECT count(*), (SELECT min(due) FROM delivery WHERE state = 0 AND due IS NOT NULL)"
            " FROM delivery WHERE state = 0"
        ).fetchone()
        (given_up,) = self._db.execute("SELECT count(*) FROM delivery WHERE state = 2").fetchone()
        return Depth(waiting=waiting, given_up=given_up, first_due=first_due)

    def due(
        self, endpoint: str, now: UnixMs, limit: int, busy: frozenset[int] = frozenset()
    ) -> tuple[list[Delivery], UnixMs | None]:
        """Return up to ``limit`` deliveries that are due, none of the ``busy`` ones; and when the next one is.

        None: nothing else waits, as far as is known.
        """
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM delivery WHERE endpoint = ? AND state = 0 AND due <= ?"  # noqa: S608
            " ORDER BY due, id LIMIT ?",
            (endpoint, now, limit + len(busy)),
        ).fetchall()
        found = [_delivery(row) for row in rows if row[0] not in busy]
        if len(rows) == limit + len(busy):
            return found[:limit], now
        row = self._db.execute(
            "SELECT min(due) FROM delivery WHERE endpoint = ? AND state = 0 AND due > ?",
            (endpoint, now),
        ).fetchone()
        return found, None if row[0] is None else UnixMs(row[0])

    def settle(
        self, outcomes: Sequence[Outcome], healths: Mapping[str, Health], now: UnixMs
    ) -> None:
        """Write what came of attempts; what has ended lets the next event of its message go."""
        ended = [each for each in outcomes if each.is_success or each.retry_at is None]
        with self._changing() as db:
            db.executemany(
                "INSERT INTO attempt SELECT ?1, 1 + (SELECT coalesce(max(number), 0) FROM attempt WHERE delivery = ?1),"
                " ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM delivery WHERE id = ?1)",
                (_attempt_values(each) for each in outcomes),
            )
            db.executemany(
                "UPDATE delivery SET state = ?, due = ?, attempts = ?, done = ?, http_status = ?, text = ?"
                " WHERE id = ? AND state = 0",
                (_outcome_values(each, now) for each in outcomes),
            )
            for each in ended:
                self._release(each.delivery.endpoint, each.delivery.email_id, now)
            db.executemany(
                "INSERT OR REPLACE INTO health VALUES (?, ?, ?, ?)",
                (
                    (endpoint, health.failing_since, health.failures, health.last_success)
                    for endpoint, health in healths.items()
                ),
            )

    def give_up(self, endpoint: str, reason: str, now: UnixMs) -> int:
        """Try nothing more at an endpoint; what waited can be replayed. Returns how many."""
        with self._changing() as db:
            return db.execute(
                "UPDATE delivery SET state = ?, due = NULL, done = ?, text = ? WHERE endpoint = ? AND state = 0",
                (State.FAILED, now, reason, endpoint),
            ).rowcount

    def forget(self, endpoint: str) -> int:
        """Forget all of an endpoint that is no more. Returns how many deliveries that were."""
        with self._changing() as db:
            db.execute("DELETE FROM health WHERE endpoint = ?", (endpoint,))
            return db.execute("DELETE FROM delivery WHERE endpoint = ?", (endpoint,)).rowcount

    def health(self, endpoint: str) -> Health:
        row = self._db.execute(
            "SELECT failing_since, failures, last_success FROM health WHERE endpoint = ?",
            (endpoint,),
        ).fetchone()
        if row is None:
            return Health()
        return Health(failing_since=row[0], failures=row[1], last_success=row[2])

    def well(self, endpoint: str) -> None:
        """Hold nothing against it: somebody has enabled it again."""
        with self._changing() as db:
            db.execute(
                "UPDATE health SET failing_since = NULL, failures = 0 WHERE endpoint = ?",
                (endpoint,),
            )

    def list(
        self, wanted: DeliveryFilter, *, before: int | None = None, limit: int = 100
    ) -> list[Delivery]:
        """Return the newest first: those with smaller numbers than ``before``."""
        where, values = _conditions(wanted)
        if before is not None:
            where += " AND id < ?"
            values.append(before)
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM delivery WHERE {where} ORDER BY id DESC LIMIT ?",  # noqa: S608
            [*values, limit],
        )
        return [_delivery(row) for row in rows]

    def find(self, delivery_id: int, tenant: str | None = None) -> Delivery | None:
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM delivery WHERE id = ?",  # noqa: S608
            (delivery_id,),
        ).fetchone()
        found = None if row is None else _delivery(row)
        return None if found and tenant is not None and found.tenant != tenant else found

    def attempts(self, delivery_id: int) -> Sequence[AttemptRecord]:
        rows = self._db.execute(
            "SELECT number, at, duration_ms, url, http_status, text FROM attempt WHERE delivery = ? ORDER BY number",
            (delivery_id,),
        )
        return [
            AttemptRecord(
                number=row[0],
                at=UnixMs(row[1]),
                duration_ms=row[2],
                url=row[3],
                http_status=row[4],
                text=row[5],
            )
            for row in rows
        ]

    def replay(self, delivery_id: int, now: UnixMs) -> bool:
        """Tell it once more, at once and with all tries; one that waits for another stays where it is.

        Returns whether it is told.
        """
        return self._replay("id = ? AND (state <> 0 OR due IS NOT NULL)", [delivery_id], now) > 0

    def replay_all(self, wanted: DeliveryFilter, now: UnixMs) -> int:
        """Tell all that fits once more; what still waits is left alone. Returns how many."""
        where, values = _conditions(wanted)
        return self._replay(f"{where} AND state <> 0", values, now)

    def trim(self, before: UnixMs, keep: int) -> int:
        """Delete some that were done before then, or that are beyond the newest ``keep`` of those. Returns how many."""
        with self._changing() as db:
            count = db.execute("SELECT count(*) FROM delivery WHERE done IS NOT NULL").fetchone()[0]
            removed = db.execute(
                "DELETE FROM delivery WHERE id IN ("
                "SELECT id FROM delivery WHERE done IS NOT NULL AND done < ? ORDER BY done LIMIT ?)",
                (before, TRIM_AT_ONCE),
            ).rowcount
            beyond = min(count - removed - keep, TRIM_AT_ONCE - removed)
            if beyond > 0:
                removed += db.execute(
                    "DELETE FROM delivery WHERE id IN ("
                    "SELECT id FROM delivery WHERE done IS NOT NULL ORDER BY done LIMIT ?)",
                    (beyond,),
                ).rowcount
            db.execute("DELETE FROM callback WHERE at < ?", (before,))
            return removed

    def _replay(self, where: str, values: Sequence[Any], now: UnixMs) -> int:
        with self._changing() as db:
            return db.execute(
                "UPDATE delivery SET state = 0, due = ?, attempts = 0, done = NULL"  # noqa: S608
                f" WHERE {where}",
                [now, *values],
            ).rowcount

    def _release(self, endpoint: str, email_id: str, now: UnixMs) -> None:
        """OB1: only where nothing of the message is before it."""
        if email_id:
            self._db.execute(
                "UPDATE delivery SET due = ? WHERE due IS NULL AND id = ("
                "SELECT id FROM delivery WHERE endpoint = ? AND email_id = ? AND state = 0 ORDER BY id LIMIT 1)",
                (now, endpoint, email_id),
            )

    def _prepare(self) -> None:
        with self._changing() as db:
            (found,) = db.execute("PRAGMA user_version").fetchone()
            if found > _FORMAT:
                raise OutboxError(f"{self.path}: is of a newer Angarium: use that one")
            if found == 0:
                for statement in _TABLES.strip().split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {_FORMAT}")

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _values(each: NewDelivery, now: UnixMs) -> dict[str, object]:
    return {
        "tenant": each.tenant,
        "endpoint": each.endpoint,
        "url": each.url,
        "event_id": each.event_id,
        "type": each.type,
        "email_id": each.email_id,
        "recipient": each.recipient,
        "happening": each.happening,
        "now": now,
    }


def _attempt_values(each: Outcome) -> tuple[object, ...]:
    return (
        each.delivery.id,
        each.at,
        each.duration_ms,
        each.url,
        each.http_status,
        each.text,
    )


def _outcome_values(each: Outcome, now: UnixMs) -> tuple[object, ...]:
    state = State.DELIVERED if each.is_success else State.FAILED
    if not each.is_success and each.retry_at is not None:
        state = State.WAITING
    is_done = state is not State.WAITING
    return (
        state,
        None if is_done else each.retry_at,
        each.delivery.attempts + 1,
        now if is_done else None,
        each.http_status,
        each.text,
        each.delivery.id,
    )


def _conditions(wanted: DeliveryFilter) -> tuple[str, list[Any]]:
    given: list[tuple[str, object]] = [
        ("tenant = ?", wanted.tenant),
        ("endpoint = ?", wanted.endpoint),
        ("email_id = ?", wanted.email_id or None),
        ("created >= ?", wanted.since),
        ("created < ?", wanted.until),
    ]
    used = [(condition, value) for condition, value in given if value is not None]
    conditions = [each for each, _ in used]
    if wanted.status is not None:
        # As a number: only so SQLite sees that a partial index fits
        conditions.append(f"state = {_STATES[wanted.status]:d}")
    return " AND ".join(conditions) or "1", [value for _, value in used]


_STATES: Final = {each.status: each for each in State}


def _delivery(row: Sequence[Any]) -> Delivery:
    return Delivery(
        id=row[0],
        tenant=row[1],
        endpoint=row[2],
        url=row[3],
        event_id=row[4],
        type=row[5],
        email_id=row[6],
        recipient=row[7],
        happening=row[8],
        state=State(row[9]),
        due=row[10],
        attempts=row[11],
        created=UnixMs(row[12]),
        done=row[13],
        http_status=row[14],
        text=row[15],
    )

"""Counts events into the file: a batch, and how far it is then, in one transaction. Blocks: in a thread."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from angarium.analytics.counted_mail import CountedMail
from angarium.analytics.counter_file import CounterFile
from angarium.analytics.counters import COUNTERS, HOUR_MS, REST
from angarium.analytics.counting import RULES, Counting, Counts, RowKey
from angarium.analytics.routes import Route, Routes
from angarium.queue.event_log import Position
from angarium.queue.message_id import message_id_ms
from angarium.queue.model import MessageId, UnixMs

# Ours, of a tenant, dimension and hour: further keys of it are counted together. So a tag for each mail costs no more
# than a thousand rows an hour
MAX_KEYS: Final = 1000
# Ours: rows that are looked at, or deleted, in one transaction
FORGET_STEP: Final = 500
_AT_ONCE: Final = 500  # ids in one question

_GROUP: Final = "tenant = ? AND dimension = ? AND hour = ?"
_KEYS: Final = f"SELECT key FROM counter WHERE {_GROUP} AND key <> '{REST}'"  # noqa: S608
_ADD: Final = (
    f"INSERT INTO counter (tenant, dimension, hour, key, {', '.join(COUNTERS)})"  # noqa: S608
    f" VALUES ({', '.join('?' * (4 + len(COUNTERS)))})"
    " ON CONFLICT (tenant, dimension, hour, key) DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in COUNTERS)
)
_KEEP: Final = "INSERT OR REPLACE INTO message VALUES (?, ?, ?)"
_MOVE: Final = "UPDATE state SET position = ?"
_OLD_ROWS: Final = """
DELETE FROM counter WHERE (tenant, dimension, hour, key) IN (
    SELECT tenant, dimension, hour, key FROM counter WHERE hour < ? LIMIT ?)
"""
_OLD_MAILS: Final = "SELECT id, labels, recipients FROM message WHERE id > ? ORDER BY id LIMIT ?"

Group = tuple[str, int, int]


class CounterWriter:
    """Invariant CWR1: what events count as, and how far they are counted, is one transaction: each counts once."""

    def __init__(self, file: CounterFile) -> None:
        self._file = file
        self.position = 0  # all up to here is counted
        self._routes: Routes | None = None  # as they are on disk; None: to be read
        self._groups = _Groups()

    def begin(self, queue: bytes, newest: int) -> int:
        """Go on with the queue of this identity, whose last event is ``newest``; return the position.

        What was counted of an earlier queue, or of events that a restored one does not have any more, did happen, and
        stays. Raises CountersAwayError.
        """
        with self._file.writing() as db:
            found = db.execute("SELECT queue, position FROM state").fetchone()
            if found is None or found[0] != queue:
                # Nothing more is told of their messages
                db.execute("DELETE FROM message")
                db.execute("INSERT OR REPLACE INTO state VALUES (1, ?, 0)", (queue,))
                position = 0
            else:
                position = min(found[1], newest)
                db.execute(_MOVE, (position,))
        self.position = position
        return position

    def write(self, batch: Sequence[Position]) -> None:
        """On disk when it returns, but for a power cut. Raises CountersAwayError; then nothing was written."""
        fresh = [each for each in batch if each.sequence > self.position]  # CWR1
        if not fresh:
            return
        try:
            with self._file.writing() as db:
                self._count(db, fresh)
                db.execute(_MOVE, (fresh[-1].sequence,))  # CWR1
        except BaseException:
            self._routes = None
            self._groups.forget()
            raise
        self.position = fresh[-1].sequence

    def forget(self, before: UnixMs, after: bytes) -> bytes | None:
        """Delete some rows of hours before ``before``, and of the messages behind id ``after`` some that were accepted
        before it and have left the queue.

        One small transaction. Returns behind which id to go on; None: there is nothing more.
        """
        with self._file.writing() as db:
            gone = db.execute(_OLD_ROWS, (before // HOUR_MS, FORGET_STEP)).rowcount
            rows = db.execute(_OLD_MAILS, (after, FORGET_STEP)).fetchall()
            old = [each for each in rows if message_id_ms(each[0]) < before]
            over = [(each[0],) for each in old if _mail(each).is_over]
            db.executemany("DELETE FROM message WHERE id = ?", over)
        if gone < FORGET_STEP and len(old) < FORGET_STEP:
            return None
        return bytes(old[-1][0]) if old else after

    def _count(self, db: sqlite3.Connection, batch: Sequence[Position]) -> None:
        if self._routes is None:
            self._routes = _read_routes(db)
        ids = {each.event.message_id for each in batch if type(each.event) in RULES}
        mails = _find_mails(db, ids)
        counting = Counting(mails, self._routes)
        counting.count(batch)
        rows = self._groups.bounded(db, counting.rows)
        db.executemany(_ADD, [(*key, *counts) for key, counts in rows.items()])
        changed = [(each, mails[each].labels, mails[each].recipients) for each in counting.changed]
        db.executemany(_KEEP, changed)
        new = [(each.number, each.provider, each.source) for each in self._routes.new]
        db.executemany("INSERT INTO route VALUES (?, ?, ?)", new)
        self._routes.new.clear()


class _Groups:
    """Invariant CGR1: a tenant has at most MAX_KEYS rows of a dimension in an hour, and one of what is beyond."""

    def __init__(self) -> None:
        # So many keys at most: counted again only where that is not enough to know
        self._sizes: dict[Group, int] = {}

    def forget(self) -> None:
        self._sizes.clear()

    def bounded(self, db: sqlite3.Connection, rows: dict[RowKey, Counts]) -> dict[RowKey, Counts]:
        groups: dict[Group, list[RowKey]] = {}
        for key in rows:
            groups.setdefault(key[:3], []).append(key)
        kept = dict(rows)
        for group, keys in groups.items():
            size = self._sizes.get(group, MAX_KEYS) + len(keys)
            if size > MAX_KEYS:
                size = self._bound(db, group, keys, kept)
            self._sizes[group] = size
        while len(self._sizes) > MAX_KEYS:  # the oldest goes
            del self._sizes[next(iter(self._sizes))]
        return kept

    def _bound(
        self,
        db: sqlite3.Connection,
        group: Group,
        keys: Sequence[RowKey],
        kept: dict[RowKey, Counts],
    ) -> int:
        """Take what is beyond out of ``kept``; return how many keys there are then."""
        known = {each for (each,) in db.execute(_KEYS, group)}
        for key in keys:
            if key[3] not in known and len(known) >= MAX_KEYS:  # CGR1
                rest = kept.setdefault((*group, REST), [0] * len(COUNTERS))
                rest[:] = [one + other for one, other in zip(rest, kept.pop(key), strict=True)]
            else:
                known.add(key[3])
        return len(known)


def _read_routes(db: sqlite3.Connection) -> Routes:
    rows = db.execute("SELECT number, provider, source FROM route")
    return Routes(Route(number=row[0], provider=row[1], source=row[2]) for row in rows)


def _find_mails(db: sqlite3.Connection, ids: set[MessageId]) -> dict[MessageId, CountedMail]:
    found: dict[MessageId, CountedMail] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        text = f"SELECT id, labels, recipients FROM message WHERE id IN ({marks})"  # noqa: S608
        for row in db.execute(text, some):
            found[MessageId(row[0])] = _mail(row)
    return found


def _mail(row: tuple[bytes, bytes, bytes]) -> CountedMail:
    return CountedMail(labels=row[1], recipients=bytearray(row[2]))

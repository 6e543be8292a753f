"""Counts events into the file: a batch, and how far it is then, in one transaction. Blocks: in a thread."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from angarium.analytics import generations
from angarium.analytics.counted_mail import CountedMail
from angarium.analytics.counter_file import CounterFile
from angarium.analytics.counter_tables import COUNTER, MESSAGE, adding
from angarium.analytics.counters import COUNTERS, WITHOUT_MINUTES, Resolution
from angarium.analytics.counting import RULES, Counting
from angarium.analytics.generations import Generation
from angarium.analytics.key_bound import KeyBound
from angarium.analytics.latency import encode_histogram
from angarium.analytics.routes import Route, Routes
from angarium.analytics.rows import BUCKETS, Cell, RowKey, Rows, coarser, minute_rows
from angarium.queue.event_log import Position
from angarium.queue.model import MessageId, UnixMs

_AT_ONCE: Final = 500  # ids in one question
# Ours: rows that are known to be kept as they were before this generation
_KNOWN_KEPT: Final = 100_000

_ADD: Final = {name: adding(name) for name in COUNTER}
_KEEP: Final = (
    "INSERT OR REPLACE INTO message (id, labels, recipients, started, made) VALUES (?, ?, ?, ?, ?)"
)
_MOVE: Final = "UPDATE state SET position = ?"
_WIDTH: Final = len(COUNTERS)
_MINUTELESS: Final = frozenset(map(int, WITHOUT_MINUTES))


class CounterWriter:
    """Invariant CWR1: what events count as, and how far they are counted, is one transaction: each counts once."""

    def __init__(self, file: CounterFile, keep_ms: int) -> None:
        """``keep_ms``: so long after its acceptance what is told of a message counts."""
        self._file = file
        self.keep_ms = keep_ms
        self.position = 0  # all up to here is counted
        self._version = 0  # of the file, as others have changed it
        self._forget_known()

    def begin(self, queue: bytes, newest: int) -> int:
        """Go on with the queue of this identity, whose last event is ``newest``; return the position.

        What was counted of an earlier queue, or of events that a restored one does not have any more, did happen, and
        stays. Raises CountersAwayError.
        """
        with self._file.writing() as db:
            found = db.execute("SELECT queue, position FROM state").fetchone()
            position = 0
            if found is None or found[0] != queue:
                # Nothing more is told of their messages
                db.execute("DELETE FROM message")
                db.execute("INSERT OR REPLACE INTO state VALUES (1, ?, 0)", (queue,))
                generations.forget_all(db)
            elif found[1] > newest:
                position = newest
                db.execute(_MOVE, (position,))
                generations.forget_all(db)
            else:
                position = found[1]
        self.position = position
        self._forget_known()
        return position

    def write(self, batch: Sequence[Position]) -> None:
        """On disk when it returns, but for a power cut. Raises CountersAwayError; then nothing was written."""
        try:
            with self._file.writing() as db:
                self._look(db)
                fresh = [each for each in batch if each.sequence > self.position]  # CWR1
                if not fresh:
                    return
                for part in self._parts(db, fresh):
                    self._count(db, part)
                db.execute(_MOVE, (fresh[-1].sequence,))  # CWR1
        except BaseException:
            self._forget_known()
            raise
        self.position = fresh[-1].sequence

    def oldest_whole(self, first_kept: int) -> Generation | None:
        """Return the oldest generation that a log from this event on has all of. Raises CountersAwayError."""
        with self._file.writing() as db:
            return generations.oldest_whole(db, first_kept)

    def rewind(self, generation: Generation) -> None:
        """Put the file back to where a generation began, within a long transaction. Raises CountersAwayError."""
        with self._file.writing() as db:
            generations.put_back(db, generation)
            db.execute(_MOVE, (generation.position,))
        self.position = generation.position
        self._forget_known()

    def recover(self) -> None:
        """After a long transaction that was undone. Raises CountersAwayError."""
        with self._file.writing() as db:
            (self.position,) = db.execute("SELECT position FROM state").fetchone()
        self._forget_known()

    def _look(self, db: sqlite3.Connection) -> None:
        """A command may have counted anew, where it found no server running just before this one began."""
        (version,) = db.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            (self.position,) = db.execute("SELECT position FROM state").fetchone()
            self._forget_known()
            self._version = version

    def _forget_known(self) -> None:
        """Of what is on disk, which may be otherwise than was thought."""
        self._routes: Routes | None = None  # None: to be read
        self._generation: Generation | None = None
        self._bound = KeyBound()
        # Of this generation, by resolution; a message is known by ``made``, and looked at each time
        self._kept: dict[Resolution, set[RowKey]] = {name: set() for name in COUNTER}

    def _parts(
        self, db: sqlite3.Connection, batch: Sequence[Position]
    ) -> Iterator[Sequence[Position]]:
        """Yield the events of each generation; a new one has begun then."""
        if self._generation is None:
            self._generation = generations.newest(db)
        start = 0
        for at, each in enumerate(batch):
            if self._generation is None or not self._generation.has(each):
                if at > start:
                    yield batch[start:at]
                self._generation = generations.begin(
                    db, self._generation, each.sequence - 1, each.event.at
                )
                self._kept = {name: set() for name in COUNTER}
                start = at
        yield batch[start:]

    def _count(self, db: sqlite3.Connection, batch: Sequence[Position]) -> None:
        assert self._generation is not None
        if self._routes is None:
            self._routes = _read_routes(db)
        ids = {each.event.message_id for each in batch if type(each.event) in RULES}
        mails = _find_mails(db, ids)
        generation = self._generation.number
        counting = Counting(mails, self._routes, keep_ms=self.keep_ms, generation=generation)
        counting.count(batch)
        self._write_rows(db, minute_rows(counting.sums, self._routes), generation)
        changed = [(each, mails[each]) for each in counting.changed]
        old = [(generation, each, generation) for each, mail in changed if mail.made < generation]
        db.executemany(MESSAGE.keep, old)
        db.executemany(
            _KEEP, [(each, it.labels, it.recipients, it.started, it.made) for each, it in changed]
        )
        new = [(each.number, each.provider, each.source) for each in self._routes.new]
        db.executemany("INSERT INTO route VALUES (?, ?, ?)", new)
        self._routes.new.clear()

    def _write_rows(self, db: sqlite3.Connection, minutes: Rows, generation: int) -> None:
        minutes = self._bound.bounded(db, minutes)
        by_resolution: dict[Resolution, Rows] = {
            "minute": {key: cell for key, cell in minutes.items() if key[1] not in _MINUTELESS},
            "hour": coarser(minutes, "hour"),
            "day": coarser(minutes, "day"),
        }
        # Hours and days are mostly of one minute here, and have its cells
        values: dict[int, tuple[object, ...]] = {}
        for name, rows in by_resolution.items():
            kept = self._kept[name]
            unkept = rows.keys() - kept
            old = [(generation, *key, generation) for key in unkept]
            db.executemany(COUNTER[name].keep, old)
            if len(kept) > _KNOWN_KEPT:
                kept.clear()
            kept |= unkept
            written = []
            for key, cell in rows.items():
                of_cell = values.get(id(cell))
                if of_cell is None:
                    of_cell = values[id(cell)] = _values(cell, generation)
                written.append(key + of_cell)
            db.executemany(_ADD[name], written)


def _values(cell: Cell, generation: int) -> tuple[object, ...]:
    """In the order of COUNTER_VALUES."""
    values: list[object] = [0] * _WIDTH
    histogram: dict[int, int] = {}
    for what, number in cell.items():
        if what < BUCKETS:
            values[what] = number
        else:
            histogram[what - BUCKETS] = number
    return (*values, encode_histogram(histogram) if histogram else None, generation)


def _read_routes(db: sqlite3.Connection) -> Routes:
    rows = db.execute("SELECT number, provider, source FROM route")
    return Routes(Route(number=row[0], provider=row[1], source=row[2]) for row in rows)


def _find_mails(db: sqlite3.Connection, ids: set[MessageId]) -> dict[MessageId, CountedMail]:
    found: dict[MessageId, CountedMail] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        text = f"SELECT id, labels, recipients, started, made FROM message WHERE id IN ({marks})"  # noqa: S608
        for row in db.execute(text, some):
            found[MessageId(row[0])] = mail_of(row)
    return found


def mail_of(row: tuple[bytes, bytes, bytes, int, int]) -> CountedMail:
    """Of a message's row, from its id on."""
    return CountedMail(
        labels=row[1], recipients=bytearray(row[2]), started=UnixMs(row[3]), made=row[4]
    )

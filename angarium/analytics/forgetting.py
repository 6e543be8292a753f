"""Deletes what is older than it is kept, in small transactions. Blocks: in a thread."""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from angarium.analytics import generations
from angarium.analytics.counter_file import CounterFile
from angarium.analytics.counter_tables import ALL_TABLES
from angarium.analytics.counters import MINUTE_MS, MINUTES, Resolution
from angarium.analytics.writing import mail_of
from angarium.queue.message_id import message_id_ms
from angarium.queue.model import UnixMs

# Ours: rows that are looked at, or deleted, in one transaction
FORGET_STEP: Final = 500

_NEXT_GROUP: Final = """
SELECT tenant, dimension FROM {} WHERE (tenant, dimension) > (?, ?) ORDER BY tenant, dimension LIMIT 1
"""
_OLD_ROWS: Final = """
DELETE FROM {0} WHERE tenant = ?1 AND dimension = ?2 AND (at, key) IN (
    SELECT at, key FROM {0} WHERE tenant = ?1 AND dimension = ?2 AND at < ?3 LIMIT ?4)
"""
_OLD_MAILS: Final = (
    "SELECT id, labels, recipients, started, made FROM message WHERE id > ? ORDER BY id LIMIT ?"
)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What stays."""

    counters: Mapping[Resolution, UnixMs]  # those since then
    mail_ms: int  # what is needed of messages that were accepted so long ago, or are queued
    now: UnixMs
    first_event: int  # the oldest one that the event log has


class Forgetting:
    """One time of going through the file."""

    def __init__(self, file: CounterFile, kept: Kept) -> None:
        self._file = file
        self._kept = kept
        self._steps = self._go()

    def step(self) -> bool:
        """Do one small transaction; returns whether there is more to do. Raises CountersAwayError."""
        return next(self._steps, None) is not None

    def _go(self) -> Iterator[bool]:
        with self._file.writing() as db:
            generations.forget_over(db, self._kept.first_event)
            oldest = db.execute("SELECT min(number), min(at) FROM generation").fetchone()
        yield True
        for resolution, since in self._kept.counters.items():
            yield from self._rows(resolution, since // MINUTE_MS // MINUTES[resolution])
        for table in ALL_TABLES:
            yield from self._repeated(table.forget_before, (oldest[0] or 0,))
        # Of what the events that are still in the log are about, whoever counts them anew needs the messages
        now = self._kept.now if oldest[1] is None else min(self._kept.now, oldest[1])
        yield from self._mails(UnixMs(now - self._kept.mail_ms))

    def _rows(self, resolution: Resolution, before: int) -> Iterator[bool]:
        group: tuple[str, int] | None = ("", -1)
        while group is not None:
            with self._file.writing() as db:
                group = _rows_step(db, resolution, group, before)
            yield True

    def _repeated(self, statement: str, values: tuple[object, ...]) -> Iterator[bool]:
        gone = FORGET_STEP
        while gone == FORGET_STEP:
            with self._file.writing() as db:
                gone = db.execute(statement, (*values, FORGET_STEP)).rowcount
            yield True

    def _mails(self, before: UnixMs) -> Iterator[bool]:
        """Messages that were accepted before and have left the queue."""
        after: bytes | None = b""
        while after is not None:
            with self._file.writing() as db:
                rows = db.execute(_OLD_MAILS, (after, FORGET_STEP)).fetchall()
                old = [each for each in rows if message_id_ms(each[0]) < before]
                over = [(each[0],) for each in old if mail_of(each).is_over]
                db.executemany("DELETE FROM message WHERE id = ?", over)
            after = bytes(old[-1][0]) if len(old) == FORGET_STEP else None
            yield True


def _rows_step(
    db: sqlite3.Connection, table: str, group: tuple[str, int], before: int
) -> tuple[str, int] | None:
    """Delete some of the groups behind one; returns behind which to go on, None: behind the last."""
    gone = 0
    for _ in range(FORGET_STEP):
        following = db.execute(_NEXT_GROUP.format(table), group).fetchone()
        if following is None:
            return None
        values = (*following, before, FORGET_STEP - gone)
        gone += db.execute(_OLD_ROWS.format(table), values).rowcount
        if gone >= FORGET_STEP:
            return group  # there may be more of it
        group = (following[0], following[1])
    return group

"""From where on the counters can be counted anew: places in the log of which the file can be put back to what it was.

A generation begins with a day, or where the one before has so many events; so some of them begin within the log.
"""

import sqlite3
from typing import Final

import msgspec

from angarium.analytics.counter_tables import ALL_TABLES
from angarium.analytics.counters import DAY_MS
from angarium.queue.event_log import Position
from angarium.queue.model import UnixMs

# Ours: a twentieth of what the log has at most, usually
GENERATION_EVENTS: Final = 50_000
_SELECT: Final = "SELECT number, position, at FROM generation"
_NEWEST: Final = f"{_SELECT} ORDER BY number DESC LIMIT 1"
_OLDEST_WHOLE: Final = f"{_SELECT} WHERE position >= ? ORDER BY number LIMIT 1"
_OVER: Final = """
DELETE FROM generation WHERE position < ? AND number < (SELECT max(number) FROM generation)
"""


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    position: int  # the event before its first one
    at: UnixMs  # when its first one was

    def has(self, position: Position) -> bool:
        """Whether an event that follows belongs to it still."""
        is_of_its_day = position.event.at // DAY_MS <= self.at // DAY_MS
        return is_of_its_day and position.sequence - self.position <= GENERATION_EVENTS


def newest(db: sqlite3.Connection) -> Generation | None:
    return _generation(db.execute(_NEWEST).fetchone())


def oldest_whole(db: sqlite3.Connection, first_kept: int) -> Generation | None:
    """Return the oldest one whose events are all in a log that begins with this event; None: there is none."""
    return _generation(db.execute(_OLDEST_WHOLE, (first_kept - 1,)).fetchone())


def begin(
    db: sqlite3.Connection, before: Generation | None, position: int, at: UnixMs
) -> Generation:
    at = at if before is None else max(at, before.at)
    made = db.execute("INSERT INTO generation (position, at) VALUES (?, ?)", (position, at))
    assert made.lastrowid is not None
    return Generation(number=made.lastrowid, position=position, at=at)


def forget_all(db: sqlite3.Connection) -> None:
    """What was counted so far does not follow from the log any more."""
    db.execute("DELETE FROM generation")
    for each in ALL_TABLES:
        db.execute(f"DELETE FROM before_{each.name}")  # noqa: S608


def forget_over(db: sqlite3.Connection, first_kept: int) -> None:
    """All but the newest, whose first events the log does not have any more."""
    db.execute(_OVER, (first_kept - 1,))


def put_back(db: sqlite3.Connection, generation: Generation) -> None:
    """Make all tables what they were when it began."""
    for table in ALL_TABLES:
        for statement in table.put_back:
            db.execute(statement, {"generation": generation.number})
    db.execute("DELETE FROM generation WHERE number >= ?", (generation.number,))


def _generation(row: tuple[int, int, int] | None) -> Generation | None:
    if row is None:
        return None
    return Generation(number=row[0], position=row[1], at=UnixMs(row[2]))

"""The tables of the counters' file, and their statements. Pure text.

What was in a row before a generation changed it is kept beside it as long as that generation's events are in the log:
so the file can be put back to where a generation began, and what followed be counted anew. ``made`` is the generation
in which a row came to be.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from angarium.analytics.counters import COUNTERS, MINUTES, Resolution

FORM: Final = 2
COUNTER_KEY: Final = ("tenant", "dimension", "at", "key")
COUNTER_VALUES: Final = (*COUNTERS, "latency", "made")
MESSAGE_KEY: Final = ("id",)
MESSAGE_VALUES: Final = ("labels", "recipients", "started", "made")
# SQLite has no such functions; ``counter_file`` makes them of ``latency``
MERGE_LATENCY: Final = "merge_latency"
SUM_LATENCY: Final = "sum_latency"

_COUNTER_TYPES: Final = (
    "tenant TEXT NOT NULL, dimension INTEGER NOT NULL, at INTEGER NOT NULL, key TEXT NOT NULL, "
    + ", ".join(f"{name} INTEGER NOT NULL" for name in COUNTERS)
    + ", latency BLOB, made INTEGER NOT NULL"
)
_MESSAGE_TYPES: Final = (
    "id BLOB NOT NULL, labels BLOB NOT NULL, recipients BLOB NOT NULL, started INTEGER NOT NULL,"
    " made INTEGER NOT NULL"
)
_BEFORE: Final = "generation INTEGER NOT NULL, "


class Table:
    """One whose rows can be put back. ``before_...`` has what they were."""

    def __init__(self, name: str, key: Sequence[str], values: Sequence[str], types: str) -> None:
        both = ", ".join((*key, *values))
        keys = ", ".join(key)
        self.name: Final = name
        self.tables: Final = (
            f"CREATE TABLE {name} ({types}, PRIMARY KEY ({keys})) WITHOUT ROWID;\n"
            f"CREATE TABLE before_{name} ({_BEFORE}{types}, PRIMARY KEY (generation, {keys})) WITHOUT ROWID;\n"
        )
        same = " AND ".join(f"{each} = ?" for each in key)
        # With the generation, the key, and the generation again: what is of it already is not kept
        self.keep: Final = (
            f"INSERT OR IGNORE INTO before_{name} (generation, {both}) SELECT ?, {both} FROM {name}"  # noqa: S608
            f" WHERE {same} AND made < ?"
        )
        self.put_back: Final = (
            f"DELETE FROM {name} WHERE made >= :generation",  # noqa: S608
            # Of several, SQLite takes the whole row of the least
            (
                f"INSERT OR REPLACE INTO {name} ({both}) SELECT {both} FROM"  # noqa: S608
                f" (SELECT {both}, min(generation) FROM before_{name}"
                f" WHERE generation >= :generation AND made < :generation GROUP BY {keys})"
            ),
            f"DELETE FROM before_{name} WHERE generation >= :generation",  # noqa: S608
        )
        self.forget_before: Final = (
            f"DELETE FROM before_{name} WHERE (generation, {keys}) IN"  # noqa: S608
            f" (SELECT generation, {keys} FROM before_{name} WHERE generation < ? LIMIT ?)"
        )


MESSAGE: Final = Table("message", MESSAGE_KEY, MESSAGE_VALUES, _MESSAGE_TYPES)
# Under the names of their resolutions
COUNTER: Final[Mapping[Resolution, Table]] = {
    each: Table(each, COUNTER_KEY, COUNTER_VALUES, _COUNTER_TYPES) for each in MINUTES
}
ALL_TABLES: Final = (MESSAGE, *COUNTER.values())

CREATE: Final = f"""
CREATE TABLE state (
    -- Of the queue whose events were counted, and the sequence number of the last of them
    id INTEGER PRIMARY KEY, queue BLOB NOT NULL, position INTEGER NOT NULL);
CREATE TABLE generation (
    -- Behind which event it begins, and when that was. Numbers go on for ever
    number INTEGER PRIMARY KEY AUTOINCREMENT, position INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE TABLE route (number INTEGER PRIMARY KEY, provider TEXT NOT NULL, source TEXT NOT NULL);
{"".join(each.tables for each in ALL_TABLES)}
"""


def adding(name: str) -> str:
    """Return the statement that adds to a row of a counter table, or makes it: with its key and its values."""
    return (
        f"INSERT INTO {name} ({', '.join((*COUNTER_KEY, *COUNTER_VALUES))})"  # noqa: S608
        f" VALUES ({', '.join('?' * (len(COUNTER_KEY) + len(COUNTER_VALUES)))})"
        f" ON CONFLICT ({', '.join(COUNTER_KEY)}) DO UPDATE SET "
        + ", ".join(f"{each} = {each} + excluded.{each}" for each in COUNTERS)
        + ", latency = CASE WHEN excluded.latency IS NULL THEN latency WHEN latency IS NULL THEN excluded.latency"
        f" ELSE {MERGE_LATENCY}(latency, excluded.latency) END"
    )

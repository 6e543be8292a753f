"""Counts anew what the event log still has: puts the file back to where it can, and counts from there on.

All of it is one transaction: who reads has the figures of before until it is done, and so they stay where it fails or
is killed. Blocks: in the writer's thread.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from angarium.analytics.counter_file import CounterFile
from angarium.analytics.counter_tables import COUNTER_KEY
from angarium.analytics.counters import COUNTERS, DAY_MS, Dimension
from angarium.analytics.writing import CounterWriter
from angarium.queue.event_log import Position
from angarium.queue.model import UnixMs

_FIGURES: Final = ", ".join((*COUNTER_KEY, *COUNTERS, "latency"))
_COPY: Final = f"CREATE TEMP TABLE figures_before AS SELECT {_FIGURES} FROM day WHERE at >= ?"  # noqa: S608
_NOW: Final = f"SELECT {_FIGURES} FROM day WHERE at >= ?"  # noqa: S608
_BEFORE: Final = f"SELECT {_FIGURES} FROM figures_before"  # noqa: S608
_DIFFERENT: Final = f"""
SELECT count(*) FROM (SELECT DISTINCT {", ".join(COUNTER_KEY)} FROM (
    SELECT * FROM ({_NOW} EXCEPT {_BEFORE}) UNION ALL SELECT * FROM ({_BEFORE} EXCEPT {_NOW})))
"""  # noqa: S608
_TOTALS: Final = f"SELECT {', '.join(f'total({each})' for each in COUNTERS)} FROM {{}} WHERE dimension = ? AND at >= ?"  # noqa: S608


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What is older than ``since`` stayed as it was. The figures are of whole days, UTC, from that one on."""

    since: UnixMs  # what happened from then on was counted anew: of the first event that was
    events: int  # so many, all that were written by the end
    changed: int  # rows of days that are not as they were; 0: the figures were right, and nothing was missing
    before: Mapping[str, int]  # by counter, of all tenants
    after: Mapping[str, int]


# What is said of it
NOTHING_KEPT: Final = (
    "the event log does not go back to where the counters began to count what it has, so nothing was changed; that"
    " comes with a queue.event_retention_s of less than a day: try again tomorrow"
)


class NothingKept(msgspec.Struct, frozen=True):
    """The log goes back to no point that is known: nothing was changed."""


class Rebuilding:
    """Begin, write, and end by ``finish`` or ``undo``.

    Invariant CRB1: of the same events, and with the same ``keep_days``, the figures are the same, whatever was counted
        of them before, in whichever batches, and what was deleted since; and what is older stays.
    """

    def __init__(self, file: CounterFile, writer: CounterWriter) -> None:
        self._file = file
        self._writer = writer
        self._events = 0
        self._since = UnixMs(0)
        self._before: Mapping[str, int] = {}

    def begin(self, first_kept: int) -> int | NothingKept:
        """Return behind which event to go on. ``first_kept``: the oldest event of the log.

        Raises CountersAwayError; then, too, it is to be undone.
        """
        self._file.begin_long()
        generation = self._writer.oldest_whole(first_kept)
        if generation is None:
            return NothingKept()
        self._since = generation.at
        with self._file.writing() as db:
            db.execute("DROP TABLE IF EXISTS temp.figures_before")
            db.execute(_COPY, (self._day,))
            self._before = _totals(db, "day", self._day)
        self._writer.rewind(generation)  # CRB1
        return generation.position

    def write(self, batch: Sequence[Position]) -> None:
        self._writer.write(batch)
        self._events += len(batch)

    def finish(self) -> Rebuilt:
        """On disk when it returns, but for a power cut."""
        with self._file.writing() as db:
            after = _totals(db, "day", self._day)
            (changed,) = db.execute(_DIFFERENT, (self._day, self._day)).fetchone()
            db.execute("DROP TABLE temp.figures_before")
        self._file.end_long(keep=True)
        return Rebuilt(
            since=self._since,
            events=self._events,
            changed=changed,
            before=self._before,
            after=after,
        )

    def undo(self) -> None:
        """Have all be as it was."""
        self._file.end_long(keep=False)
        self._writer.recover()

    @property
    def _day(self) -> int:
        return self._since // DAY_MS


def _totals(db: sqlite3.Connection, table: str, day: int) -> Mapping[str, int]:
    row = db.execute(_TOTALS.format(table), (int(Dimension.TOTAL), day)).fetchone()
    return {name: int(number) for name, number in zip(COUNTERS, row, strict=True)}

"""Which events files have, each one of them: as stretches of sequence numbers, in a table of DuckDB. Blocks.

What a compaction has made of several tenants' events has a stretch for nearly each event, so there may be many: they
are on disk where memory has no room.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from angarium.lake.engine import Engine, read_files
from angarium.lake.rebuilt import Gap

_TABLE: Final = """
CREATE TABLE span (file INTEGER, era INTEGER, first BIGINT, last BIGINT, begun BIGINT);
CREATE TABLE counted (file INTEGER);
"""
# Numbers in a row are as far from their places as each other
_ADD: Final = """
INSERT INTO span
SELECT ?, any_value(era), min(sequence), max(sequence), epoch_ms(min(ts)) FROM (
    SELECT era, sequence, ts, sequence - row_number() OVER (ORDER BY sequence) AS place FROM {source})
GROUP BY place
"""
_COUNTED: Final = "(SELECT span.* FROM span JOIN counted USING (file) WHERE era = ?)"
_FIRST_TWICE: Final = f"""
SELECT DISTINCT file, other FROM (
    SELECT file, first, max(last) OVER earlier AS reached, arg_max(file, last) OVER earlier AS other FROM {_COUNTED}
    WINDOW earlier AS (ORDER BY first, last, file ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
WHERE first <= reached
"""  # noqa: S608
_SHARED: Final = f"""
SELECT own.file, sum(least(own.last, theirs.last) - greatest(own.first, theirs.first) + 1)
FROM (SELECT * FROM span WHERE era = ? AND file NOT IN (SELECT file FROM counted)) AS own
JOIN {_COUNTED} AS theirs ON own.first <= theirs.last AND theirs.first <= own.last
GROUP BY own.file
"""  # noqa: S608
_GAPS: Final = f"""
SELECT reached + 1, first - 1, begun FROM (
    SELECT first, begun, coalesce(lag(last) OVER (ORDER BY first), ?) AS reached FROM {_COUNTED})
WHERE first > reached + 1 ORDER BY 1
"""  # noqa: S608


class Spans:
    def __init__(self, engine: Engine) -> None:
        """Of an engine that has none yet. All methods raise LakeAwayError."""
        self._engine = engine
        for each in filter(str.strip, _TABLE.split(";")):
            engine.ask(each)

    def add(self, file: int, path: Path) -> None:
        """It may be gone afterwards."""
        self._engine.ask(_ADD.format(source=read_files([path])), [file])

    def drop(self, files: Iterable[int]) -> None:
        """Forget these."""
        for each in files:
            self._engine.ask("DELETE FROM span WHERE file = ?", [each])

    def count(self, files: Iterable[int]) -> None:
        """Have these count, and no others."""
        self._engine.ask("DELETE FROM counted")
        for each in files:
            self._engine.ask("INSERT INTO counted VALUES (?)", [each])

    def overlapping(self, era: int) -> list[tuple[int, int]]:
        """Return pairs of counting files that have an event both: of each that is in one, one pair at least."""
        found = self._engine.ask(_FIRST_TWICE, [era])
        return [(int(file), int(other)) for file, other in found]

    def shared(self, era: int) -> dict[int, int]:
        """Return, of files that do not count, how many of their events are in those that do, where there are some."""
        return {int(file): int(rows) for file, rows in self._engine.ask(_SHARED, [era, era])}

    def gaps(self, era: int, start: int, position: int) -> Iterator[Gap]:
        """Yield them in order, of all behind ``start`` and up to ``position``."""
        for row in self._engine.stream(_GAPS, [start, era]):
            first, last, begun = row.values()
            yield Gap(first=first, last=last, begun_ms=begun)
        text = f"SELECT max(last) FROM {_COUNTED}"  # noqa: S608
        [(reached,)] = self._engine.ask(text, [era])
        reached = start if reached is None else reached
        if reached < position:
            yield Gap(first=reached + 1, last=position, begun_ms=None)

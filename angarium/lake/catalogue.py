"""Which files of the lake count: ``catalogue.db`` in its folder, SQLite, as one process writes it and many read it.

Blocks. What is in files and how far the lake is changes in one transaction; a file that is on disk and not in it counts
as nothing. Where it is lost, it is made anew from the files (``rebuilding``).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from angarium.host.sqlite_file import FileForm, SqliteFile
from angarium.lake.model import (
    DAY_HOURS,
    DayOfHours,
    Era,
    Found,
    Gone,
    Hole,
    LakeAwayError,
    LakeFile,
    NewFile,
    Untouched,
)

FILE_NAME: Final = "catalogue.db"
# Since form 3
_REBUILT: Final = """
-- Events behind a position that are to come again
CREATE TABLE hole (
    era INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (era, first)) WITHOUT ROWID;
-- Files under a lake's name that do not count, and stay
CREATE TABLE untouched (path TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
"""
_TABLES: Final = f"""
CREATE TABLE era (
    id INTEGER PRIMARY KEY, queue BLOB NOT NULL, start INTEGER, position INTEGER NOT NULL,
    skipped INTEGER NOT NULL, forgotten INTEGER NOT NULL);
CREATE TABLE file (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, hour INTEGER NOT NULL, hours INTEGER NOT NULL DEFAULT 1,
    era INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, rows INTEGER NOT NULL, octets INTEGER NOT NULL,
    tenant TEXT, revision INTEGER NOT NULL, is_part INTEGER NOT NULL,
    is_local INTEGER NOT NULL, is_remote INTEGER NOT NULL,
    -- Unix ms: when it came here, and when it was last asked for
    made INTEGER NOT NULL, used INTEGER NOT NULL);
CREATE INDEX file_hour ON file (hour);
-- Files that do not count any more: to be removed here once nobody can be reading them, and from the bucket
CREATE TABLE gone (
    path TEXT PRIMARY KEY, is_local INTEGER NOT NULL, is_remote INTEGER NOT NULL, after INTEGER NOT NULL) WITHOUT ROWID;
{_REBUILT}"""
_FORM: Final = FileForm(
    number=3,
    tables=_TABLES,
    # There were files of hours only
    steps={2: "ALTER TABLE file ADD COLUMN hours INTEGER NOT NULL DEFAULT 1;\n", 3: _REBUILT},
    is_durable=True,  # what is acknowledged to the queue was written here
    away=LakeAwayError,
    remedy="stop the server and run `postmaster lake rebuild`",
)
_FIELDS: Final = LakeFile.__struct_fields__
_SELECT: Final = f"SELECT {', '.join(_FIELDS)} FROM file"  # noqa: S608
_INSERT: Final = """
INSERT INTO file (path, hour, hours, era, first, last, rows, octets, tenant, revision, is_part,
    is_local, is_remote, id, made, used)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# Whether the day of a file of an hour has become one
_HAS_DAY: Final = (
    "EXISTS (SELECT 1 FROM file AS made WHERE made.hours > 1 AND made.era = file.era"
    " AND made.hour = file.hour / 24 * 24)"
)
# What is in the bucket only stays as it is
_DAYS: Final = f"""
SELECT hour / 24 * 24 AS day, era, count(*), max(made), {_HAS_DAY} FROM file WHERE hours = 1
GROUP BY day, era HAVING day <= ? AND min(is_local) AND (count(*) > 1 OR max(is_part)) ORDER BY day, era
"""  # noqa: S608
_LEAVE: Final = (
    "INSERT OR REPLACE INTO gone SELECT path, is_local, is_remote, ? FROM file WHERE id = ?"
)


class Catalogue(SqliteFile):
    """Invariant LC1: of each event of an era behind its start and up to its position, exactly one counting file has it,
    or it was let go and is counted as forgotten, or it never came or was lost and is counted as skipped, or it is in a
    hole and comes again.
    """

    def __init__(self, folder: Path, *, make: bool = False) -> None:
        """``make``: the file where there is none, mode 0600. Else raises LakeAwayError then."""
        self.folder: Final = folder
        super().__init__(folder / FILE_NAME, _FORM, make=make)

    # --- reading ---

    def files(self, first_hour: int | None = None, end_hour: int | None = None) -> list[LakeFile]:
        """Return those that have something of a stretch of hours, the oldest first, as they are at one moment."""
        conditions, values = ["1"], list[int]()
        for text, value in (("hour + hours > ?", first_hour), ("hour < ?", end_hour)):
            if value is not None:
                conditions.append(text)
                values.append(value)
        return self._files(f"WHERE {' AND '.join(conditions)} ORDER BY hour, era, first", values)

    def find(self, file_id: int) -> LakeFile | None:
        found = self._files("WHERE id = ?", [file_id])
        return found[0] if found else None

    def files_before(self, hour: int, limit: int) -> list[LakeFile]:
        """Return files that have nothing of that hour or later ones, the oldest first."""
        return self._files(
            "WHERE hour + hours <= ? ORDER BY hour, era, first LIMIT ?", [hour, limit]
        )

    def hours_with_parts(self, before_hour: int) -> list[int]:
        """Return the hours before one in which there is something to compact, the oldest first. What comes late to a
        day that has become one is the day's.
        """
        text = f"SELECT DISTINCT hour FROM file WHERE is_part AND hour < ? AND NOT {_HAS_DAY} ORDER BY hour"  # noqa: S608
        return [each for (each,) in self._ask(text, [before_hour])]

    def days_with_hours(self, before_hour: int) -> list[DayOfHours]:
        """Return days that end before an hour and have files of hours which can be made one, the oldest first."""
        return [
            DayOfHours(hour=hour, era=era, files=files, newest_ms=newest, is_late=bool(is_late))
            for hour, era, files, newest, is_late in self._ask(_DAYS, [before_hour - DAY_HOURS])
        ]

    def newest_part_ms(self, hour: int) -> int:
        text = "SELECT coalesce(max(made), 0) FROM file WHERE hour = ? AND is_part"
        return int(self._ask(text, [hour])[0][0])

    def unsent(self, limit: int) -> list[LakeFile]:
        """Return files that are not in the bucket."""
        return self._files("WHERE NOT is_remote ORDER BY hour LIMIT ?", [limit])

    def least_used(self, before_ms: int, before_hour: int, limit: int) -> list[LakeFile]:
        """Return files that are here and in the bucket, are not to be compacted, and were not asked for since. Files of
        hours are not to be once they are before ``before_hour``.
        """
        where = (
            "WHERE is_local AND is_remote AND NOT is_part AND used < ? AND (hours > 1 OR hour < ?)"
            " ORDER BY max(used, hour * 3600000) LIMIT ?"
        )
        return self._files(where, [before_ms, before_hour, limit])

    def sizes(self) -> tuple[int, int, int, int]:
        """Return files, rows, octets, and octets of what is here and in the bucket."""
        text = (
            "SELECT count(*), coalesce(sum(rows), 0), coalesce(sum(octets), 0),"
            " coalesce(sum(octets * (is_local AND is_remote)), 0) FROM file"
        )
        found = self._ask(text)[0]
        return (int(found[0]), int(found[1]), int(found[2]), int(found[3]))

    def eras(self) -> list[Era]:
        text = f"SELECT {', '.join(Era.__struct_fields__)} FROM era ORDER BY id"  # noqa: S608
        return [
            Era(**dict(zip(Era.__struct_fields__, row, strict=True))) for row in self._ask(text)
        ]

    def gone(self, now_ms: int | None = None) -> list[Gone]:
        """Return what is to be removed by now, or what will be at some time."""
        text = "SELECT path, is_local, is_remote FROM gone WHERE after <= coalesce(?, after)"
        return [
            Gone(path=path, is_local=bool(local), is_remote=bool(remote))
            for path, local, remote in self._ask(text, [now_ms])
        ]

    def holes(self, era: int | None = None) -> list[Hole]:
        """Return those of an era, or of all, in order."""
        text = "SELECT era, first, last FROM hole WHERE era = coalesce(?, era) ORDER BY era, first"
        return [Hole(era=of, first=first, last=last) for of, first, last in self._ask(text, [era])]

    def untouched(self) -> list[Untouched]:
        text = "SELECT path, reason FROM untouched ORDER BY path"
        return [Untouched(path=path, reason=reason) for path, reason in self._ask(text)]

    # --- writing: each is one transaction, durable on return ---

    def begin_era(self, queue: bytes, position: int) -> Era:
        """What was to come again of an earlier one comes no more."""
        with self.writing():
            self.db.execute(
                "UPDATE era SET skipped = skipped"
                " + (SELECT coalesce(sum(last - first + 1), 0) FROM hole WHERE era = era.id)"
            )
            self.db.execute("DELETE FROM hole")
            text = (
                "INSERT INTO era (queue, start, position, skipped, forgotten)"
                " VALUES (?, NULL, ?, 0, 0)"
            )
            self.db.execute(text, (queue, position))
        return self.eras()[-1]

    def append(
        self, era: Era, files: Sequence[NewFile], now_ms: int, filled: int | None = None
    ) -> None:
        """Have the files count, and the era be as far as it says (LC1). ``filled``: holes up to there are none any
        more, as the files have what was in them, or the era counts it as skipped.
        """
        with self.writing():
            self._insert(files, now_ms)
            if filled is not None:
                self.db.execute("DELETE FROM hole WHERE era = ? AND last <= ?", (era.id, filled))
                # The first column is part of the key, and later than any hole that is left before it
                self.db.execute(
                    "UPDATE hole SET first = ? WHERE era = ? AND first <= ?",
                    (filled + 1, era.id, filled),
                )
            self.db.execute(
                "UPDATE era SET start = ?, position = ?, skipped = ? WHERE id = ?",
                (era.start, era.position, era.skipped, era.id),
            )

    def replace(
        self, old: Sequence[LakeFile], new: Sequence[NewFile], now_ms: int, gone_after_ms: int
    ) -> bool:
        """Have the new files count in place of the old, which are removed later. False: one of the old counts no more
        already, and nothing was changed (LC1).
        """
        with self.writing():
            marks = ", ".join("?" * len(old))
            text = f"SELECT count(*) FROM file WHERE id IN ({marks})"  # noqa: S608
            if self.db.execute(text, [each.id for each in old]).fetchone()[0] != len(old):
                return False
            self._leave(old, gone_after_ms)
            self._insert(new, now_ms)
        return True

    def forget(self, files: Sequence[LakeFile], gone_after_ms: int) -> None:
        """Let the files go for their age."""
        with self.writing():
            for each in files:
                self.db.execute(
                    "UPDATE era SET forgotten = forgotten + ? WHERE id = ?", (each.rows, each.era)
                )
            self._leave(files, gone_after_ms)

    def set_remote(self, file_id: int) -> bool:
        """It is in the bucket. False: it counts no more, and is to be removed there."""
        with self.writing():
            text = "UPDATE file SET is_remote = 1 WHERE id = ?"
            return self.db.execute(text, (file_id,)).rowcount == 1

    def set_local(self, file_id: int, *, is_local: bool) -> None:
        """Of what is in the bucket: it is here too, or not any more."""
        with self.writing():
            text = "UPDATE file SET is_local = ? WHERE id = ? AND is_remote"
            self.db.execute(text, (is_local, file_id))

    def use(self, files: Iterable[LakeFile], now_ms: int) -> None:
        with self.writing():
            self.db.executemany(
                "UPDATE file SET used = ? WHERE id = ?", [(now_ms, each.id) for each in files]
            )

    def leave_remote(self, path: str) -> None:
        """Something is in the bucket that does not count."""
        with self.writing():
            text = "INSERT INTO gone VALUES (?, 0, 1, 0) ON CONFLICT (path) DO UPDATE SET is_remote = 1"
            self.db.execute(text, (path,))

    def removed(self, path: str) -> None:
        """It is nowhere any more."""
        with self.writing():
            self.db.execute("DELETE FROM gone WHERE path = ?", (path,))

    def adopt(self, found: Found, now_ms: int, gone_after_ms: int) -> None:
        """Have all be as it was read from files, in place of what is known. No id of a file is used again."""
        with self.writing():
            (newest,) = self.db.execute("SELECT coalesce(max(id), 0) FROM file").fetchone()
            for table in ("era", "file", "gone", "hole", "untouched"):
                self.db.execute(f"DELETE FROM {table}")  # noqa: S608
            self._insert(found.files, now_ms, newest + 1)
            for each in found.eras:
                self.db.execute("INSERT INTO era VALUES (?, ?, ?, ?, ?, ?)", _values(each))
            self.db.executemany("INSERT INTO hole VALUES (?, ?, ?)", map(_values, found.holes))
            self.db.executemany(
                "INSERT INTO untouched VALUES (?, ?)", map(_values, found.untouched)
            )
            self.db.executemany(
                "INSERT INTO gone VALUES (?, ?, ?, ?)",
                [(*_values(each), gone_after_ms) for each in found.gone],
            )

    def _insert(self, files: Sequence[NewFile], now_ms: int, first_id: int | None = None) -> None:
        for number, each in enumerate(files):
            # What is to be removed under this name was of a file that never counted
            self.db.execute("DELETE FROM gone WHERE path = ?", (each.path,))
            file_id = None if first_id is None else first_id + number
            self.db.execute(_INSERT, (*_values(each), file_id, now_ms, now_ms))

    def _leave(self, files: Sequence[LakeFile], after_ms: int) -> None:
        for each in files:
            self.db.execute(_LEAVE, (after_ms, each.id))
            self.db.execute("DELETE FROM file WHERE id = ?", (each.id,))

    def _files(self, where: str, values: Sequence[int]) -> list[LakeFile]:
        return [_file(row) for row in self._ask(f"{_SELECT} {where}", values)]

    def _ask(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.translating():
            return self.db.execute(text, values).fetchall()


def _values(struct: NewFile | Era | Hole | Untouched | Gone) -> tuple[Any, ...]:
    return tuple(getattr(struct, name) for name in struct.__struct_fields__)


def _file(row: tuple[Any, ...]) -> LakeFile:
    values = dict(zip(_FIELDS, row, strict=True))
    for name in ("is_part", "is_local", "is_remote"):
        values[name] = bool(values[name])
    return LakeFile(**values)

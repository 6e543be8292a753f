"""DuckDB, as far as the lake's own files are written and read by it: SQL of ours only. Blocks.

It is imported where it is used: it comes with the extra "lake", and takes 40 MB. It reaches for nothing outside: no
extension is fetched or loaded.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from angarium.config.extras import Extra, lacking
from angarium.lake.columns import COLUMNS, ORDER
from angarium.lake.model import LakeAwayError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY_OCTETS: Final = 512 * 1024 * 1024
# DuckDB's own: smaller ones let it leave out more, and cost more each than is left out (docs/DECISIONS.md)
ROW_GROUP: Final = 122_880
_NAMES: Final = ", ".join(each.name for each in COLUMNS)
# Dates are written as numbers in lines
_LINE_TYPES: Final = ", ".join(
    f"{each.name}: '{'BIGINT' if each.name == 'ts' else each.type}'" for each in COLUMNS
)
QUEUE_KEY: Final = "angarium_queue"
CLOSED: Final[Mapping[str, str | bool]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
}


# It would be on standard output
NO_PROGRESS: Final = "SET enable_progress_bar = false"


def text(value: str | Path) -> str:
    """Write it as SQL does."""
    return "'" + str(value).replace("'", "''") + "'"


def read_files(
    files: Sequence[Path], *, has_all_columns: bool = True, has_row_numbers: bool = False
) -> str:
    """Return what stands behind FROM for the rows of files; of none at all there are none.

    ``has_row_numbers``: with a column ``file_row_number``, from 0.
    """
    if not files:
        nothing = ", ".join(f"NULL::{each.type} AS {each.name}" for each in COLUMNS)
        return f"(SELECT {nothing} WHERE false)"
    listed = ", ".join(text(each) for each in files)
    more = "" if has_all_columns else ", union_by_name = true"
    more += ", file_row_number = true" if has_row_numbers else ""
    return f"read_parquet([{listed}], hive_partitioning = false{more})"


def between(first_ms: int | None, end_ms: int | None) -> str:
    """Return the condition that a row is of a stretch of time, in Unix ms; None: there is no end on that side."""
    found = [
        f"ts {sign} make_timestamp_ms({ms})::TIMESTAMP_MS"
        for sign, ms in ((">=", first_ms), ("<", end_ms))
        if ms is not None
    ]
    return " AND ".join(found) or "true"


class Engine:
    """A connection to a database in memory. For one thread at a time. Raises LakeAwayError."""

    def __init__(
        self, spill: Path, *, threads: int = 1, memory_octets: int = MEMORY_OCTETS
    ) -> None:
        """``spill``: a folder for what is more than fits into memory."""
        if (library := lacking(Extra.LAKE)) is not None:
            raise LakeAwayError(f"it needs {library}")
        import duckdb

        self._error = duckdb.Error
        config: dict[str, Any] = {
            **CLOSED,
            "threads": threads,
            "memory_limit": f"{memory_octets}B",
            "temp_directory": str(spill),
            "preserve_insertion_order": True,
        }
        try:
            self._db: DuckDBPyConnection = duckdb.connect(":memory:", config=config)
            self._db.execute(NO_PROGRESS)
        except duckdb.Error as error:
            raise LakeAwayError(f"DuckDB: {_words(error)}") from error

    def close(self) -> None:
        self._db.close()

    def ask(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(sql, list(values)).fetchall()
        except self._error as error:
            raise LakeAwayError(f"DuckDB: {_words(error)}") from error
        except OSError as error:
            raise LakeAwayError(str(error)) from error

    def stream(self, sql: str, values: Sequence[object] = ()) -> Iterator[dict[str, Any]]:
        """Yield rows by the names of their columns."""
        try:
            cursor = self._db.execute(sql, list(values))
            names = [each[0] for each in cursor.description or ()]
            while rows := cursor.fetchmany(1000):
                for row in rows:
                    yield dict(zip(names, row, strict=True))
        except self._error as error:
            raise LakeAwayError(f"DuckDB: {_words(error)}") from error

    def write_lines(self, lines: bytes | bytearray, target: Path, queue: bytes) -> None:
        """Make a file of rows that are lines of JSON."""
        fd = os.memfd_create("lake-lines", os.MFD_CLOEXEC)
        try:
            view = memoryview(lines)
            while view:
                view = view[os.write(fd, view) :]
            source = (
                f"read_json('/proc/self/fd/{fd}', format = 'newline_delimited',"
                f" columns = {{{_LINE_TYPES}}})"
            )
            select = f"SELECT * REPLACE (make_timestamp_ms(ts)::TIMESTAMP_MS AS ts) FROM {source}"  # noqa: S608
            self._copy(select, target, queue)
        finally:
            os.close(fd)

    def write_rows(
        self,
        files: Sequence[Path],
        where: str,
        target: Path,
        queue: bytes,
        values: Sequence[object] = (),
    ) -> None:
        """Make a file of rows of others, in order."""
        select = (
            f"SELECT {_NAMES} FROM {read_files(files, has_all_columns=False)}"  # noqa: S608
            f" WHERE {where} ORDER BY {', '.join(ORDER)}"
        )
        self._copy(select, target, queue, values)

    def write_select(
        self, select: str, target: Path, queue: bytes, values: Sequence[object] = ()
    ) -> None:
        self._copy(select, target, queue, values)

    def tenants(self, files: Sequence[Path]) -> list[tuple[str | None, int, int, int]]:
        """Return, of each tenant, how many rows it has, and the first and last sequence number."""
        sql = (
            f"SELECT tenant, count(*), min(sequence), max(sequence)"  # noqa: S608
            f" FROM {read_files(files, has_all_columns=False)} GROUP BY ALL ORDER BY ALL"
        )
        return self.ask(sql)

    def queue_of(self, file: Path) -> bytes:
        """Return the identity of the queue whose events a file has, b"" where it does not say."""
        sql = f"SELECT value FROM parquet_kv_metadata({text(file)}) WHERE key = {text(QUEUE_KEY)}::BLOB"  # noqa: S608
        found = self.ask(sql)
        try:
            return bytes.fromhex(bytes(found[0][0]).decode()) if found else b""
        except ValueError:
            return b""

    def _copy(self, select: str, target: Path, queue: bytes, values: Sequence[object] = ()) -> None:
        self.ask(
            f"COPY ({select}) TO {text(target)} (FORMAT parquet, COMPRESSION zstd,"
            f" ROW_GROUP_SIZE {ROW_GROUP}, KV_METADATA {{{QUEUE_KEY}: {text(queue.hex())}}})",
            values,
        )


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:500]

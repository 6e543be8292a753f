"""Runs in a process of its own: one question, then it ends. What it is asked may be hostile.

Three locks, each of which would do: DuckDB may open the files of the question and nothing else, and its settings are
locked; the kernel lets the process read these files only, write beneath one folder or nowhere, begin no socket and no
process (``host.sandbox``); and of tenants' questions the files have that tenant's rows only, so that there is nothing
behind the locks that is not the tenant's. Memory, time, processor and answer are bounded.
"""

import datetime
import decimal
import math
import os
import resource
import signal
import sys
import threading
import uuid
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from angarium.host.sandbox import leave_parent, limit, seal
from angarium.lake.asking.question import (
    Answer,
    Ask,
    Bounds,
    Extract,
    Given,
    Problem,
    Said,
    encode,
    read_given,
)
from angarium.lake.engine import CLOSED, NO_PROGRESS, between, read_files, text

NICENESS: Final = 5  # ours: mail comes first
# Beside what DuckDB counts as its memory: its code, stacks, and what it does not count
_MORE_OCTETS: Final = 768 * 1024 * 1024
_FILES: Final = 4096
_FETCHED: Final = 256  # rows at a time
_MAX_WORDS: Final = 2000
# What DuckDB looks at when it begins: how much memory and processor this group of processes may have
_LIMITS: Final = ("/proc/self/cgroup", "/sys/fs/cgroup")
_encode_row: Final = msgspec.json.Encoder().encode


def main(fd: int, parent: int, libraries: list[str]) -> None:
    """``fd`` has the question; what is said goes to standard output."""
    leave_parent(parent)
    with os.fdopen(fd, "rb") as file:
        given = read_given(file.read())
    # What libraries print is no answer
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.environ.clear()
    os.chdir("/")
    os.nice(NICENESS)
    lacking = _confine(given, libraries)
    said = _run(given)
    if isinstance(said, Answer):
        said = msgspec.structs.replace(said, lacking=lacking)
    octets = memoryview(encode(said))
    while octets:
        octets = octets[os.write(out, octets) :]
    # Not by the usual way: DuckDB's threads need not be waited for
    os._exit(0)


def _confine(given: Given, libraries: list[str]) -> tuple[str, ...]:
    bounds = given.bounds
    folder = None if given.target is None else str(Path(given.target).parent)
    space = _address_space()
    lacking = seal((*libraries, *_LIMITS, *given.files), writable=folder, threads=True)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, bounds.octets if given.target is not None else 0)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error of writing says it
    limit(resource.RLIMIT_NOFILE, _FILES)
    limit(resource.RLIMIT_CPU, math.ceil(bounds.seconds * (bounds.threads + 1)) + 1)
    limit(resource.RLIMIT_AS, space + bounds.memory_octets + _MORE_OCTETS)
    return lacking


def _address_space() -> int:
    """Return octets: it cannot be read any more once it is sealed."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _run(given: Given) -> Said:
    try:
        database = duckdb.connect(":memory:", config=_settings(given.bounds))
        database.execute(NO_PROGRESS)
        timer = threading.Timer(given.bounds.seconds, database.interrupt)
        timer.daemon = True
        timer.start()
        match given:
            case Ask():
                return _answer(database, given)
            case Extract():
                return _extract(database, given)
    except MemoryError:
        return _out_of_memory(given.bounds)
    except duckdb.InterruptException:
        return Problem(kind="time", text=f"it took longer than {given.bounds.seconds:g} s")
    except duckdb.OutOfMemoryException:
        return _out_of_memory(given.bounds)
    except duckdb.Error as error:
        return _problem(given, " ".join(str(error).split())[:_MAX_WORDS])


def _settings(bounds: Bounds) -> dict[str, Any]:
    return {
        **CLOSED,
        "threads": bounds.threads,
        "memory_limit": f"{bounds.memory_octets}B",
        "temp_directory": "",  # what does not fit into memory is too much
        "enable_external_file_cache": False,
    }


def _answer(database: "duckdb.DuckDBPyConnection", ask: Ask) -> Said:
    statements = database.extract_statements(ask.sql)
    if len(statements) != 1:
        return Problem(kind="sql", text=f"write one statement, not {len(statements)}")
    if statements[0].type != duckdb.StatementType.SELECT:
        return Problem(kind="sql", text="write a SELECT: the lake is only read")
    files = [Path(each) for each in ask.files]
    within = between(ask.first_ms, ask.end_ms)
    view = f"CREATE VIEW events AS SELECT * FROM {read_files(files)} WHERE {within}"  # noqa: S608
    database.execute(view)
    allowed = [*ask.files, *([] if ask.target is None else [ask.target])]
    database.execute(f"SET allowed_paths = [{', '.join(map(text, allowed))}]")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    if ask.target is not None:
        # On lines of their own: what was asked may end in a comment
        sql = statements[0].query.rstrip().rstrip(";")
        database.execute(
            f"COPY (\n{sql}\n) TO {text(ask.target)} (FORMAT parquet, COMPRESSION zstd)"
        )
        return Answer()
    cursor = database.execute(statements[0])
    columns = tuple((str(each[0]), str(each[1])) for each in cursor.description or ())
    rows = bytearray(b"[")
    count = 0
    is_cut = False
    while not is_cut and (found := cursor.fetchmany(_FETCHED)):
        for row in found:
            octets = _encode_row([_plain(each) for each in row])
            if count >= ask.bounds.rows or len(rows) + len(octets) > ask.bounds.octets:
                is_cut = True
                break
            rows += b"," * bool(count) + octets
            count += 1
    return Answer(columns=columns, rows=bytes(rows + b"]"), count=count, is_cut=is_cut)


def _extract(database: "duckdb.DuckDBPyConnection", extract: Extract) -> Said:
    files = [Path(each) for each in extract.files]
    wanted = f"tenant = {text(extract.tenant)} AND {between(extract.first_ms, extract.end_ms)}"
    select = f"SELECT * FROM {read_files(files)} WHERE {wanted}"  # noqa: S608
    database.execute(
        f"COPY ({select}) TO {text(extract.target)} (FORMAT parquet, COMPRESSION lz4_raw)"
    )
    return Answer()


def _plain(value: object) -> object:
    """Return it as JSON has it; times are UTC."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime.datetime():
            return value.isoformat() + ("Z" if value.tzinfo is None else "")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case uuid.UUID() | datetime.timedelta():
            return str(value)
        case decimal.Decimal():
            return float(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return str(value)


def _problem(given: Given, words: str) -> Problem:
    if any(not Path(each).exists() for each in given.files):
        return Problem(kind="gone", text="a file was written anew meanwhile: ask again")
    if given.target is not None and "File too large" in words:
        return Problem(kind="size", text=f"it comes to more than {given.bounds.octets} octets")
    return Problem(kind="sql", text=words)


def _out_of_memory(bounds: Bounds) -> Problem:
    return Problem(
        kind="memory", text=f"it needs more than {bounds.memory_octets} octets of memory"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.path)

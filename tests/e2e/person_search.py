"""Looks for words in all that a data directory has: octets of files, what is packed in them, rows of databases."""

import gzip
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import lmdb


def holding(folder: Path, needles: Sequence[bytes], *, pages: bool = True) -> dict[str, set[bytes]]:
    """Return which files have which of the words, in lower case, without regard to case.

    ``pages``: also what free pages of the queue's file and of databases have of what was there before.
    """
    found: dict[str, set[bytes]] = {}
    for file in sorted(folder.rglob("*")):
        has = {
            each
            for octets in _octets(file, pages=pages)
            for each in needles
            if each in octets.lower()
        }
        if has:
            found[str(file.relative_to(folder))] = has
    return found


def parquet_texts(file: Path, where: str = "true") -> Iterator[bytes]:
    """Yield the rows of a file as text, all columns of them."""
    with duckdb.connect(":memory:") as db:
        cursor = db.execute(f"SELECT * FROM read_parquet('{file}') WHERE {where}")
        while rows := cursor.fetchmany(1000):
            yield str(rows).encode()


def _octets(file: Path, *, pages: bool) -> Iterator[bytes]:
    if not file.is_file():
        return
    match file.suffix:
        case ".parquet":
            yield from parquet_texts(file)
            yield file.read_bytes()
        case ".gz":
            yield gzip.decompress(file.read_bytes())
        case ".db":
            # With what its write-ahead log has
            with sqlite3.connect(file) as db:
                db.text_factory = lambda octets: octets.decode("utf-8", "replace")
                for line in db.iterdump():
                    yield line.encode()
                for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
                    for row in db.execute(f'SELECT * FROM "{table}"'):
                        yield from (each for each in row if isinstance(each, bytes))
            db.close()
            if pages:
                yield file.read_bytes()
        case ".mdb":
            yield from _records(file)
            if pages:
                yield file.read_bytes()
        case _:
            if pages or not file.name.endswith("-wal"):
                yield file.read_bytes()


def _records(file: Path) -> Iterator[bytes]:
    with lmdb.open(str(file.parent), readonly=True, lock=False, max_dbs=200) as env:
        with env.begin() as txn:
            names = [bytes(key) for key, _ in txn.cursor()]
        for name in names:
            try:
                table = env.open_db(name, create=False)
            except lmdb.Error:  # it is a record
                continue
            with env.begin(db=table) as txn:
                for key, value in txn.cursor():
                    yield bytes(key)
                    yield bytes(value)

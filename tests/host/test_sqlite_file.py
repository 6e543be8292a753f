"""Mirrors angarium/host/sqlite_file.py."""

import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from angarium.host.sqlite_file import FileForm, SqliteFile, SqliteView


class AwayError(OSError):
    pass


FIRST = FileForm(
    number=1,
    tables="CREATE TABLE a (x INTEGER);\n-- y; not more\nCREATE INDEX a_x ON a (x);\n",
    is_durable=True,
    away=AwayError,
)
SECOND = msgspec.structs.replace(
    FIRST,
    number=2,
    tables="CREATE TABLE a (x INTEGER, y INTEGER);\n",
    steps={2: "ALTER TABLE a ADD COLUMN y INTEGER;\n"},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def rows(path: Path, form: FileForm) -> list[tuple[object, ...]]:
    view = SqliteView(path, form)
    try:
        return view.ask("SELECT * FROM a ORDER BY x", {})
    finally:
        view.close()


def test_a_file_is_made_for_its_owner_and_read_beside_its_writer(path: Path) -> None:
    file = SqliteFile(path, FIRST)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with file.writing() as db:
        db.execute("INSERT INTO a VALUES (1)")
        assert rows(path, FIRST) == []
    assert rows(path, FIRST) == [(1,)]
    file.close()


def test_a_block_that_raises_has_changed_nothing(path: Path) -> None:
    file = SqliteFile(path, FIRST)

    def write(more: Callable[[sqlite3.Connection], object]) -> None:
        with file.writing() as db:
            db.execute("INSERT INTO a VALUES (1)")
            more(db)

    with pytest.raises(ZeroDivisionError):
        write(lambda _: 1 // 0)
    with pytest.raises(AwayError, match=r"a\.db: .*no such table: b"):
        write(lambda db: db.execute("INSERT INTO b VALUES (1)"))
    assert rows(path, FIRST) == []
    with file.writing() as db:
        db.execute("INSERT INTO a VALUES (2)")
    assert rows(path, FIRST) == [(2,)]
    file.close()


def test_an_older_form_goes_on_by_its_steps_and_keeps_what_it_has(path: Path) -> None:
    file = SqliteFile(path, FIRST)
    with file.writing() as db:
        db.execute("INSERT INTO a VALUES (1)")
    file.close()
    SqliteFile(path, SECOND).close()
    assert rows(path, SECOND) == [(1, None)]


def test_what_can_be_made_anew_is_instead(path: Path) -> None:
    file = SqliteFile(path, FIRST)
    with file.writing() as db:
        db.execute("INSERT INTO a VALUES (1)")
    file.close()
    SqliteFile(path, msgspec.structs.replace(SECOND, steps={}, is_made_anew=True)).close()
    assert rows(path, SECOND) == []


def test_a_newer_form_is_left_alone(path: Path) -> None:
    SqliteFile(path, SECOND).close()
    before = path.read_bytes()
    with pytest.raises(AwayError, match="newer Angarium"):
        SqliteFile(path, FIRST)
    assert path.read_bytes() == before


def test_who_come_first_at_once_make_it_once(path: Path) -> None:
    barrier = threading.Barrier(4)
    troubles: list[Exception] = []

    def come() -> None:
        barrier.wait()
        try:
            SqliteFile(path, FIRST).close()
        except Exception as error:
            troubles.append(error)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert troubles == []
    assert rows(path, FIRST) == []


def test_a_view_changes_nothing_and_makes_no_file(path: Path) -> None:
    with pytest.raises(AwayError, match=r"a\.db: unable to open"):
        SqliteView(path, FIRST)
    assert list(path.parent.iterdir()) == []
    SqliteFile(path, FIRST).close()
    view = SqliteView(path, FIRST)
    with pytest.raises(AwayError, match="readonly"):
        view.ask("INSERT INTO a VALUES (1)", {})
    view.close()


def test_a_question_without_end_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("angarium.host.sqlite_file._MANY_STEPS", 3)
    SqliteFile(path, FIRST).close()
    view = SqliteView(path, FIRST)
    endless = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    )
    with pytest.raises(AwayError, match="interrupted"):
        view.ask(endless, {})
    assert view.ask("SELECT 1", {}) == [(1,)]
    view.close()


def test_what_is_no_database_is_said(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(AwayError, match=r"not a database; mend it$"):
        SqliteFile(path, msgspec.structs.replace(FIRST, remedy="mend it"))
    with pytest.raises(AwayError, match=r"not a database$"):
        SqliteFile(path, FIRST)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("PRAGMA user_version").fetchone()

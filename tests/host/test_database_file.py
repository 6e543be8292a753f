"""Mirrors angarium/host/database_file.py."""

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.host.database_file import make_database_file

LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    db.execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error:
    print(error)
"""


def test_it_is_made_once_and_for_nobody_else_p8(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    make_database_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"kept")
    make_database_file(path)
    assert path.read_bytes() == b"kept"
    assert [each.name for each in tmp_path.iterdir()] == ["a.db"]


def test_a_link_is_not_followed_l1(tmp_path: Path) -> None:
    (tmp_path / "a.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="link"):
        make_database_file(tmp_path / "a.db")
    assert not (tmp_path / "elsewhere").exists()


def test_who_has_locked_the_database_in_this_process_keeps_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    make_database_file(path)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE t (a)")
    db.execute("BEGIN IMMEDIATE")
    make_database_file(path)
    other = subprocess.run(
        [sys.executable, "-c", LOCK, str(path)], capture_output=True, check=True, timeout=30
    )
    assert other.stdout == b"database is locked\n"
    db.close()

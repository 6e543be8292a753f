"""Mirrors angarium/tenancy/database.py, tables.py and migrations/."""

import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import angarium.tenancy
from angarium.tenancy.database import NEWEST, Database
from angarium.tenancy.location import sqlite_path
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.platform import Platform
from angarium.tenancy.tables import METADATA, TENANT


def test_the_steps_come_to_the_tables_that_statements_name(url: str, tmp_path: Path) -> None:
    database = Database.open(url, tmp_path)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.close()


def test_the_newest_step_is_the_last_one() -> None:
    steps = ScriptDirectory(str(Path(angarium.tenancy.__file__).parent / "migrations"))
    assert steps.get_current_head() == NEWEST


def test_a_fresh_platform_has_one_tenant_named_default(platform: Platform) -> None:
    assert [(each.name, each.active) for each in platform.tenants.list()] == [("default", True)]


def test_what_was_made_is_there_when_it_is_opened_again(
    open_platform: Callable[..., Platform], url: str
) -> None:
    first = open_platform(url)
    made = first.tenants.create("shop")
    version = first.version()
    first.close()
    again = open_platform(url)
    assert again.tenants.find("shop") == made
    assert again.version() == version


def test_each_change_is_counted_and_one_that_fails_is_not_db1(url: str, tmp_path: Path) -> None:
    database = Database.open(url, tmp_path)
    before = database.version()
    with database.changing():
        pass
    assert database.version() == before + 1

    def fail() -> None:
        with database.changing() as connection:
            connection.execute(sa.delete(TENANT))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert database.version() == before + 1
    with database.reading() as connection:
        assert connection.execute(sa.select(TENANT.c.name)).scalars().all() == ["default"]
    database.close()


def test_two_who_change_it_at_once_come_one_after_the_other_db1(url: str, tmp_path: Path) -> None:
    database = Database.open(url, tmp_path)
    before = database.version()

    def change() -> None:
        for _ in range(10):
            with database.changing():
                pass

    threads = [threading.Thread(target=change) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert database.version() == before + 30
    database.close()


def test_several_who_open_a_new_database_at_once_make_it_once(url: str, tmp_path: Path) -> None:
    found: list[int | Exception] = []

    def start() -> None:
        try:
            database = Database.open(url, tmp_path)
            with database.reading() as connection:
                found.append(len(connection.execute(sa.select(TENANT)).all()))
            database.close()
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [1, 1, 1, 1]


def test_a_database_of_a_newer_angarium_is_left_alone(url: str, tmp_path: Path) -> None:
    database = Database.open(url, tmp_path)
    with database.changing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(TenancySetupError, match="newer Angarium"):
        Database.open(url, tmp_path)


def test_the_file_is_closed_to_others_p8(tmp_path: Path) -> None:
    Database.open("sqlite:///platform.db", tmp_path).close()
    assert stat.S_IMODE((tmp_path / "platform.db").stat().st_mode) == 0o600


def test_no_database_is_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "platform.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TenancySetupError, match=r"platform\.db cannot be made"):
        Database.open("sqlite:///platform.db", tmp_path)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("nonsense", "not a URL"),
        ("sqlite://", "name a file"),
        ("mysql://x@y/z", "neither sqlite nor postgresql"),
        ("postgresql://joe:geheim@/x?host=/nonexistent", "/nonexistent"),
    ],
)
def test_what_cannot_be_opened_says_why_without_the_password(
    url: str, text: str, tmp_path: Path
) -> None:
    with pytest.raises(TenancySetupError, match=text) as found:
        Database.open(url, tmp_path)
    assert "geheim" not in str(found.value)


def test_a_relative_file_is_in_the_data_directory(tmp_path: Path) -> None:
    assert sqlite_path("sqlite:///a.db", tmp_path) == tmp_path / "a.db"
    assert sqlite_path("sqlite:////srv/a.db", tmp_path) == Path("/srv/a.db")
    assert sqlite_path("postgresql://a@b/c", tmp_path) is None

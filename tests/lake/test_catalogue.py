"""Mirrors angarium/lake/catalogue.py, as far as ``test_writing`` and ``test_compacting`` do not."""

import contextlib
import sqlite3

import pytest

from angarium.lake.catalogue import FILE_NAME, Catalogue
from angarium.lake.model import LakeAwayError
from tests.history.samples import Log
from tests.lake.conftest import House, fill


def test_a_catalogue_that_knew_files_of_hours_only_goes_on(house: House, log: Log) -> None:
    fill(log)
    house.catch_up(flush=9)
    house.compact()
    before = house.files
    path = house.folder.path / FILE_NAME
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.execute("ALTER TABLE file DROP COLUMN hours")
        old.execute("DROP TABLE hole")
        old.execute("DROP TABLE untouched")
        old.execute("PRAGMA user_version = 1")
    for _ in range(2):
        with contextlib.closing(Catalogue(house.folder.path)) as found:
            assert found.files() == before
    house.compact_days()
    assert len(house.files) < len(before)
    assert house.sequences() == list(range(1, log.last + 1))


def test_a_catalogue_of_a_newer_server_is_left_alone(house: House) -> None:
    with contextlib.closing(sqlite3.connect(house.folder.path / FILE_NAME)) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(LakeAwayError, match="newer Angarium"):
        Catalogue(house.folder.path)


def test_a_stretch_of_hours_has_the_files_that_reach_into_it(house: House, log: Log) -> None:
    fill(log, messages=40, hours=40)
    house.catch_up()
    hours = house.files
    house.compact()
    house.compact_days()
    days = house.files
    assert len(days) < len(hours)
    catalogue = house.catalogue
    for each in hours:
        [day] = catalogue.files(each.hour, each.hour + 1)
        assert day.hour <= each.hour < day.hour + day.hours
    first, second, *_ = days
    assert catalogue.files(end_hour=second.hour) == [first]
    assert catalogue.files(first_hour=second.hour) == days[1:]
    assert catalogue.files_before(second.hour - 1, 9) == []
    assert catalogue.files_before(second.hour, 9) == [first]

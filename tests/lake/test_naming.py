"""Mirrors angarium/lake/naming.py."""

import pytest

from angarium.lake.naming import LAST_HOUR, FileName, counting, folder_of, read_name


def name(first: int, last: int, **more: int) -> FileName:
    return FileName(**{"hour": 472_222, "first": first, "last": last, "era": 1, **more})


def test_a_name_is_read_as_it_was_written() -> None:
    written = name(1, 50_000, piece=2, pieces=3, revision=4)
    assert written.path == "2023/11/14/22/000000000001-000000050000-e1-2of3-r4.parquet"
    assert read_name(written.path) == written


@pytest.mark.parametrize(
    "path",
    [
        "catalogue.db",
        "2023/11/14/22/1-2.parquet",
        "2023/13/14/22/000000000001-000000050000-e1-1of1-r0.parquet",
        "2023/11/14/22/000000000001-000000050000-e1-3of2-r0.parquet",
        "2023/11/14/22/0000000000001-000000050000-e1-1of1-r0.parquet",
        "2023/11/14/22/000000000001-000000050000-e1-1of1-r0.parquet.tmp",
    ],
)
def test_another_file_is_none_of_a_lake(path: str) -> None:
    assert read_name(path) is None


def test_hours_that_no_calendar_has_go_into_the_nearest_one() -> None:
    assert folder_of(-5) == "1970/01/01/00"
    assert folder_of(LAST_HOUR + 10) == "9999/12/31/23"


def test_of_what_a_crash_leaves_each_event_counts_once() -> None:
    """LN1"""
    parts = [name(1, 10), name(11, 20), name(21, 30)]
    one, two = (name(1, 30, piece=each, pieces=2, revision=1) for each in (1, 2))
    assert counting(parts) == parts
    assert counting([*parts, one]) == parts  # half of what was to be
    assert counting([*parts, one, two]) == [one, two]
    assert counting([parts[1], one, two]) == [one, two]
    late = name(40, 50)
    assert counting([*parts, one, two, late]) == [one, two, late]


def test_what_was_written_anew_counts_in_place_of_what_it_was_made_of() -> None:
    """LN1"""
    one, two = (name(1, 30, piece=each, pieces=2, revision=1) for each in (1, 2))
    anew = name(1, 30, piece=2, pieces=2, revision=2)
    assert counting([one, two, anew]) == [one, anew]
    part, erased = name(1, 10), name(1, 10, revision=1)
    assert counting([part, erased]) == [erased]


def test_hours_and_eras_have_nothing_to_do_with_each_other() -> None:
    found = [name(1, 10, revision=1), name(1, 10, hour=472_223), name(1, 10, era=2)]
    assert {each.path for each in counting(found)} == {each.path for each in found}

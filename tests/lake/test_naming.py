"""Mirrors angarium/lake/naming.py."""

import random

import msgspec
import pytest

from angarium.lake.model import DAY_HOURS
from angarium.lake.naming import LAST_HOUR, FileName, counting, day_of, folder_of, read_name

DAY = day_of(472_222)


def name(first: int, last: int, **more: int) -> FileName:
    return FileName(**{"hour": 472_222, "first": first, "last": last, "era": 1, **more})


def test_a_name_is_read_as_it_was_written() -> None:
    written = name(1, 50_000, piece=2, pieces=3, revision=4)
    assert written.path == "2023/11/14/22/000000000001-000000050000-e1-2of3-r4.parquet"
    assert read_name(written.path) == written


def test_a_days_file_is_beside_the_folders_of_its_hours() -> None:
    written = name(1, 50_000, hour=DAY, hours=DAY_HOURS, revision=2)
    assert written.path == "2023/11/14/000000000001-000000050000-e1-1of1-r2.parquet"
    assert read_name(written.path) == written
    assert day_of(DAY) == day_of(DAY + 23) == DAY == day_of(DAY + 24) - DAY_HOURS


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
    assert folder_of(LAST_HOUR, DAY_HOURS) == "9999/12/31"


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


def test_a_day_counts_in_place_of_what_its_hours_had_until_then() -> None:
    """LN1"""
    hours = [name(1, 10, hour=DAY, revision=1), name(5, 30, hour=DAY + 23, revision=1)]
    day = name(1, 30, hour=DAY, hours=DAY_HOURS, revision=2)
    late = name(31, 40, hour=DAY + 3)
    others = [name(7, 9, hour=DAY + 24), name(7, 9, hour=DAY - 1), name(7, 9, hour=DAY, era=2)]
    assert counting([*hours, day]) == [day]
    assert set(map(path_of, counting([*hours, day, late, *others]))) == {
        each.path for each in (day, late, *others)
    }
    half = msgspec.structs.replace(day, pieces=2)
    assert counting([*hours, half]) == hours


class Made:
    """A lake's files as they come and go, each with the events that it has, and what a crash can leave of them."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.has: dict[str, frozenset[int]] = {}  # of all files ever
        self.counted: list[FileName] = []
        self.gone: list[FileName] = []
        self.parts: set[str] = set()
        self.last = 0

    def flush(self) -> None:
        events = range(self.last + 1, self.last + self.dice.randint(2, 12))
        self.last = events[-1]
        hours = {each: DAY + self.dice.choice((0, 0, 1, 5, 23, 24)) for each in events}
        for hour in set(hours.values()):
            mine = [each for each in events if hours[each] == hour]
            part = name(mine[0], mine[-1], hour=hour)
            self.parts.add(part.path)
            self._count(part, mine)

    def compact(self) -> list[FileName]:
        """Return what was made, and does not count yet."""
        of_day = self.dice.random() < 0.4
        hour = self.dice.choice([each.hour for each in self.counted])
        if of_day:
            hour = day_of(hour)
        old = [
            each
            for each in self.counted
            if each.hours == 1
            and (
                day_of(each.hour) == hour
                if of_day
                else each.hour == hour and each.path in self.parts
            )
        ]
        if not old:
            return []
        pieces = self.dice.randint(1, 3)
        events = sorted(set[int]().union(*(self.has[each.path] for each in old)))
        made = [
            name(
                min(each.first for each in old),
                max(each.last for each in old),
                hour=hour,
                hours=DAY_HOURS if of_day else 1,
                piece=piece,
                pieces=pieces,
                revision=1 + max(each.revision for each in old),
            )
            for piece in range(1, pieces + 1)
        ]
        # A crash may leave some of them
        written = made[: self.dice.randint(0, pieces)] if self.dice.random() < 0.2 else made
        for each in written:
            self.has[each.path] = frozenset(events[each.piece - 1 :: pieces])
        if written is not made:
            return written
        for each in old:
            self._leave(each)
        self.counted += made
        return []

    def erase(self) -> None:
        one = self.dice.choice(self.counted)
        anew = msgspec.structs.replace(one, revision=one.revision + 1)
        self._count(anew, self.has[one.path])
        if one.path in self.parts:
            self.parts.add(anew.path)
        self._leave(one)

    def remove(self) -> None:
        self.dice.shuffle(self.gone)
        del self.gone[: self.dice.randint(0, 3)]

    def _count(self, one: FileName, events: list[int] | frozenset[int]) -> None:
        self.has[one.path] = frozenset(events)
        self.counted.append(one)

    def _leave(self, one: FileName) -> None:
        self.counted.remove(one)
        self.gone.append(one)


@pytest.mark.parametrize("seed", range(60))
def test_whatever_a_crash_leaves_each_event_counts_once(seed: int) -> None:
    """LN1"""
    made = Made(seed)
    for _ in range(30):
        made.flush()
        unfinished = made.compact()
        if not unfinished and made.dice.random() < 0.3:
            made.erase()
        made.remove()
        there = [*made.counted, *made.gone, *unfinished]
        made.dice.shuffle(there)
        found = [event for each in counting(there) for event in made.has[each.path]]
        assert sorted(found) == list(range(1, made.last + 1))


def path_of(one: FileName) -> str:
    return one.path


def test_hours_and_eras_have_nothing_to_do_with_each_other() -> None:
    found = [name(1, 10, revision=1), name(1, 10, hour=472_223), name(1, 10, era=2)]
    assert {each.path for each in counting(found)} == {each.path for each in found}

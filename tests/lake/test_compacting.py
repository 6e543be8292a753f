"""Mirrors angarium/lake/compacting.py: readers see the old files or the new ones."""

import asyncio
import threading
from pathlib import Path

import pytest

from angarium.lake import compacting
from angarium.lake.asking.answering import Asked, Asker
from angarium.lake.asking.question import Answer
from angarium.lake.compacting import KEPT_MS, Compaction
from angarium.lake.model import DAY_HOURS, HOUR_MS, LakeAwayError
from angarium.lake.naming import day_of
from tests.history.samples import Log
from tests.lake.conftest import DAY_MS, House, fill


def test_the_files_of_an_hour_become_one_in_order(house: House, log: Log) -> None:
    fill(log, messages=40, hours=2)
    house.catch_up(flush=9)
    hours = {each.hour for each in house.files}
    assert len(house.files) > 2 * len(hours)
    house.compact()
    assert len(house.files) == len(hours)
    assert not any(each.is_part for each in house.files)
    assert house.sequences() == list(range(1, log.last + 1))
    path = house.folder.locate(house.files[0].path)
    rows = house.engine.ask(f"SELECT tenant, event, sequence FROM read_parquet('{path}')")
    assert rows == sorted(rows)
    assert house.verify().problems == ()


def test_an_hour_that_has_not_passed_is_left_alone(house: House, log: Log) -> None:
    fill(log, messages=6, hours=1)
    house.catch_up(flush=3)
    compaction = Compaction(house.folder, house.catalogue, house.engine)
    ends = (house.files[0].hour + 1) * HOUR_MS
    assert compaction.due(ends - 1, 0) == []
    assert compaction.due(ends + 59_000, 60_000) == []
    assert compaction.due(ends + 60_000, 60_000) == [house.files[0].hour]


def test_a_tenant_with_much_has_its_own_file(
    house: House, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "OWN_ROWS", 10)
    fill(log, messages=24, hours=1, tenants=("a", "a", "a", "b", "c'"))
    house.catch_up(flush=50)
    house.compact()
    found = {each.tenant: each.rows for each in house.files if each.hour == house.files[0].hour}
    assert found["a"] >= 10
    assert set(found) == {"a", None} or set(found) == {"a", "b", None}
    assert house.sequences() == list(range(1, log.last + 1))


def test_what_comes_late_waits_for_more_or_a_day(house: House, log: Log) -> None:
    fill(log, messages=10, hours=1)
    house.catch_up()
    house.compact()
    log.clock.now -= HOUR_MS
    fill(log, messages=1, hours=1)
    house.catch_up()
    compaction = Compaction(house.folder, house.catalogue, house.engine)
    assert compaction.due(log.clock.now + 4 * HOUR_MS, 0) == []
    [hour] = compaction.due(log.clock.now + DAY_MS + HOUR_MS, 0)
    compaction.compact(hour, log.clock.now)
    assert house.sequences() == list(range(1, log.last + 1))
    again = House(house.data_dir, log)
    assert again.sequences() == list(range(1, log.last + 1))
    again.close()


def test_a_day_that_has_passed_becomes_one(house: House, log: Log) -> None:
    fill(log, messages=60, hours=30)
    house.catch_up(flush=9)
    house.compact()
    count = len(house.files)
    days = {day_of(each.hour) for each in house.files}
    house.compact_days()
    assert {each.hour for each in house.files} == days
    assert len(house.files) == len(days) < count
    assert {each.hours for each in house.files} == {DAY_HOURS}
    assert house.sequences() == list(range(1, log.last + 1))
    path = house.folder.locate(house.files[0].path)
    rows = house.engine.ask(f"SELECT tenant, event, sequence FROM read_parquet('{path}')")
    assert rows == sorted(rows)
    assert house.verify().problems == ()
    before = house.on_disk()
    house.compact_days()
    assert house.on_disk() == before


def test_a_day_is_left_alone_until_some_hours_after_its_end(house: House, log: Log) -> None:
    fill(log, messages=6, hours=3)
    house.catch_up(flush=3)
    compaction = Compaction(house.folder, house.catalogue, house.engine)
    first = day_of(house.files[0].hour)
    ends = (first + DAY_HOURS) * HOUR_MS
    assert compaction.due_days(ends + 2 * HOUR_MS + 59_000, 60_000) == []
    [day, *_] = compaction.due_days(ends + 2 * HOUR_MS + 60_000, 60_000)
    assert (day.hour, day.is_late) == (first, False)


def test_what_comes_late_to_a_day_waits_for_more_or_a_day(house: House, log: Log) -> None:
    fill(log, messages=10, hours=3)
    house.catch_up(flush=5)
    house.compact()
    house.compact_days()
    made = house.files
    now = log.clock.now
    log.clock.now -= HOUR_MS
    fill(log, messages=1, hours=1)
    log.clock.now = now
    house.catch_up()
    compaction = Compaction(house.folder, house.catalogue, house.engine)
    soon = now + 2 * DAY_MS - 1
    assert compaction.due(soon, 0) == []
    assert [each for each in compaction.due_days(soon, 0) if now + DAY_MS > soon] == []
    [day] = compaction.due_days(soon, 0)
    assert day.is_late
    compaction.compact_day(day, soon)
    assert set(made) < set(house.files)  # nothing that is large is written again
    assert len(house.files) == len(made) + 1
    assert {each.hours for each in house.files} == {DAY_HOURS}
    assert house.sequences() == list(range(1, log.last + 1))
    assert house.verify().problems == ()
    assert compaction.due_days(soon + 9 * DAY_MS, 0) == []


def test_a_tenant_has_its_own_file_of_a_day_with_as_much_an_hour(
    house: House, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "OWN_ROWS", 1)
    fill(log, messages=40, hours=1, tenants=("a", "a", "a", "b"))
    house.catch_up(flush=9)
    house.compact_days()
    assert {each.tenant for each in house.files} == {"a", None}
    assert house.sequences() == list(range(1, log.last + 1))


def test_old_files_stay_until_their_readers_have_ended(house: House, log: Log) -> None:
    """LCP1"""
    fill(log)
    house.catch_up(flush=7)
    before = set(house.on_disk())
    house.compact()
    assert before < set(house.on_disk())
    now = log.clock.now + 2 * DAY_MS
    assert house.catalogue.gone(now) == []
    assert {each.path for each in house.catalogue.gone(now + KEPT_MS)} == before


def test_a_crash_before_the_catalogue_knows_leaves_all_as_it_was(
    house: House, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LCP1, LOP1"""
    fill(log)
    house.catch_up(flush=7)
    before = house.on_disk()

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(house.catalogue, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        house.compact()
    assert len(house.on_disk()) > len(before)
    assert house.sequences() == list(range(1, log.last + 1))
    again = House(house.data_dir, log)
    assert again.on_disk() == before
    again.close()


@pytest.mark.parametrize("of", ["hours", "days"])
def test_a_lost_catalogue_is_made_anew_from_the_names(house: House, log: Log, of: str) -> None:
    """LOP1, LN1"""
    fill(log)
    house.catch_up(flush=7)
    hour = house.files[0].hour
    Compaction(house.folder, house.catalogue, house.engine).compact(hour, log.clock.now)
    if of == "days":
        house.compact_days()
        fill(log, messages=1)
        house.catch_up()
    known = [(each.path, each.rows, each.tenant) for each in house.files]
    eras = house.catalogue.eras()
    house.close()
    for each in house.folder.path.glob("catalogue.db*"):
        each.unlink()
    again = House(house.data_dir, log)
    assert [(each.path, each.rows, each.tenant) for each in again.files] == known
    assert again.catalogue.eras() == eras
    assert again.writer.position == log.last
    assert again.verify().problems == ()
    again.close()


@pytest.mark.slow
def test_readers_see_each_event_once_while_files_are_compacted(tmp_path: Path, log: Log) -> None:
    """LCP1, LC1"""
    fill(log, messages=60, hours=20)
    house = House(tmp_path, log)
    house.catch_up(flush=5)
    counts: list[bytes] = []
    asked = Asked(sql="SELECT count(*), count(DISTINCT sequence) FROM events")

    def ask() -> None:
        for _ in range(6):
            said = asyncio.run(Asker(house.config).ask(asked))
            assert isinstance(said, Answer), said
            counts.append(said.rows)

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for each in readers:
        each.start()
    house.compact()
    house.compact_days()
    for each in readers:
        each.join()
    assert set(counts) == {f"[[{log.last},{log.last}]]".encode()}
    assert len(counts) == 12
    house.close()


def test_a_full_disk_leaves_all_as_it_was(
    house: House, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(log)
    house.catch_up(flush=7)
    before = house.on_disk()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(house.folder, "finish", full)
    with pytest.raises(OSError, match="No space"):
        house.compact()
    assert house.on_disk() == before
    assert house.verify().problems == ()
    with pytest.raises(LakeAwayError):
        house.engine.ask("SELECT * FROM nothing_of_that_name")

"""Mirrors angarium/lake/rebuilding.py, stocktaking.py and adopting.py: a lake of which only files are left."""

import asyncio
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.lake import compacting, glimpse
from angarium.lake.adopting import adopt
from angarium.lake.catalogue import FILE_NAME, Catalogue
from angarium.lake.engine import Engine
from angarium.lake.model import DAY_HOURS, HOUR_MS, LakeAwayError, LakeFile, RebuildNeededError
from angarium.lake.naming import read_name
from angarium.lake.opening import open_for_writing
from angarium.lake.rebuilding import Rebuilding
from angarium.lake.rebuilt import LoggedEvents, Rebuilt, Stretch
from angarium.lake.stocktaking import Others, Stocktaking
from angarium.simulator.s3 import S3Stub
from tests.history.samples import QUEUE, Log
from tests.lake.conftest import House, fill
from tests.lake.test_tending import Tended, bucket, bucket_settings, filled

assert bucket  # the fixture
REPORT = """
SELECT era, tenant, event, tags, count(*), min(ts), max(sequence), sum(sequence)
FROM events GROUP BY ALL ORDER BY ALL
"""


def lose_catalogue(house: House) -> None:
    for each in house.folder.path.glob(f"{FILE_NAME}*"):
        each.unlink()


async def take_stock(house: House, logged: LoggedEvents | None = None) -> tuple[Rebuilt, Others]:
    engine = Engine(house.folder.unfinished())
    try:
        rebuilding = Rebuilding(engine, logged)
        stocktaking = Stocktaking(house.folder, engine, rebuilding)
        others = await stocktaking.everywhere(house.config.lake, lambda *_: None)
        return rebuilding.conclude(), others
    finally:
        engine.close()


def rebuild(house: House, logged: LoggedEvents | None = None) -> Rebuilt:
    rebuilt, _ = asyncio.run(take_stock(house, logged))
    adopt(house.folder, rebuilt.found, house.log.clock.now)
    return rebuilt


def again(house: House) -> House:
    return House(house.data_dir, house.log)


def all_of(log: Log) -> LoggedEvents:
    return LoggedEvents(queue=QUEUE, oldest=1, newest=log.last)


def since(log: Log, oldest: int) -> LoggedEvents:
    return LoggedEvents(queue=QUEUE, oldest=oldest, newest=log.last)


def go_on(house: House, oldest: int = 1) -> None:
    """As the follower does, with a log that begins there."""
    position = house.writer.begin(QUEUE, house.log.last)
    batch = [each for each in house.log.positions if each.sequence > max(position, oldest - 1)]
    for start in range(0, len(batch), 7):
        some = batch[start : start + 7]
        house.writer.add(some, asyncio.run(house.labels.find(some)))
        house.writer.flush(house.log.clock.now)


def assert_whole(house: House) -> None:
    assert house.sequences() == list(range(1, house.log.last + 1))
    assert house.verify().problems == ()


def cut(path: Path) -> None:
    """As a power cut leaves a file that another program has copied."""
    path.write_bytes(path.read_bytes()[:-9])


def make_days(house: House, log: Log) -> None:
    """Two days that are one file each or two, hours of a third, and parts."""
    fill(log, messages=60, hours=50)
    house.catch_up(flush=9)
    house.compact()
    compaction = compacting.Compaction(house.folder, house.catalogue, house.engine)
    for day in compaction.due_days(log.clock.now, 0):
        compaction.compact_day(day, log.clock.now)
    fill(log, messages=4, hours=1)
    house.catch_up(flush=3)


def known(house: House) -> list[tuple[Any, ...]]:
    left = ("id", "is_part")
    return [
        tuple(getattr(each, name) for name in each.__struct_fields__ if name not in left)
        for each in house.files
    ]


def test_hours_days_and_what_they_were_made_of_count_as_before(house: House, log: Log) -> None:
    """LRB1, LSE1"""
    make_days(house, log)
    before, report, eras = known(house), house.ask(REPORT), house.catalogue.eras()
    assert {each.hours for each in house.files} == {1, DAY_HOURS}
    replaced = set(house.on_disk()) - {each.path for each in house.files}
    assert replaced
    house.close()
    lose_catalogue(house)
    rebuilt = rebuild(house, all_of(log))
    assert rebuilt.is_whole
    assert {each.path for each in rebuilt.found.gone} == replaced
    found = again(house)
    assert (known(found), found.ask(REPORT), found.catalogue.eras()) == (before, report, eras)
    go_on(found)
    assert known(found) == before
    assert_whole(found)
    found.close()


def test_a_broken_file_is_named_and_its_events_come_again_from_the_log(
    house: House, log: Log
) -> None:
    """LRB1, LW2"""
    make_days(house, log)
    report = house.ask(REPORT)
    for each in house.catalogue.gone():
        house.folder.remove(each.path)
    days = [each for each in house.files if each.hours == DAY_HOURS]
    hours = [each for each in house.files if each.hours == 1]
    broken = [days[0], hours[2], hours[-1]]
    house.close()
    for each in broken:
        cut(house.folder.locate(each.path))
    lose_catalogue(house)
    rebuilt = rebuild(house, all_of(log))
    assert [each.path for each in rebuilt.found.untouched] == sorted(each.path for each in broken)
    assert all("it is broken" in each.reason for each in rebuilt.found.untouched)
    assert [each.coming for each in rebuilt.eras] == [sum(each.rows for each in broken)]
    assert (rebuilt.lost, rebuilt.rewind) == ((), 0)
    found = again(house)
    assert found.verify().problems == ()
    assert found.verify().eras[0].coming == rebuilt.eras[0].coming
    go_on(found)
    assert found.ask(REPORT) == report
    assert_whole(found)
    assert found.catalogue.holes() == []
    assert {each.path for each in broken} < set(found.on_disk())
    found.compact_days()
    assert_whole(found)
    found.close()
    # Once more, with what was written in their place
    lose_catalogue(house)
    once_more = rebuild(house, all_of(log))
    assert (once_more.coming, once_more.lost) == ((), ())
    found = again(house)
    assert_whole(found)
    found.close()


def test_what_the_log_has_no_more_is_said_and_counted(house: House, log: Log) -> None:
    """LRB1, LEA1, LC1"""
    fill(log, messages=60, hours=3)
    house.catch_up(flush=10)
    files = sorted(house.files, key=lambda each: each.first)
    broken, oldest = files[4], files[4].first + 3
    assert broken.rows == broken.last - broken.first + 1
    house.close()
    cut(house.folder.locate(broken.path))
    lose_catalogue(house)
    rebuilt = rebuild(house, since(log, oldest))
    assert rebuilt.lost == (Stretch(era=1, first=broken.first, last=oldest - 1),)
    assert rebuilt.coming == (Stretch(era=1, first=oldest, last=broken.last),)
    assert not rebuilt.is_whole
    found = again(house)
    go_on(found, oldest)
    wanted = [each for each in range(1, log.last + 1) if not broken.first <= each < oldest]
    assert found.sequences() == wanted
    assert found.verify().problems == ()
    assert found.catalogue.eras()[0].skipped == 3
    found.close()


def test_what_the_log_loses_before_it_is_read_again_counts_as_skipped(
    house: House, log: Log
) -> None:
    """LW2, LC1"""
    fill(log, messages=60, hours=3)
    house.catch_up(flush=10)
    broken = sorted(house.files, key=lambda each: each.first)[4]
    house.close()
    cut(house.folder.locate(broken.path))
    lose_catalogue(house)
    assert rebuild(house, all_of(log)).lost == ()
    found = again(house)
    fill(log, messages=1)
    go_on(found, broken.first + 4)
    assert found.catalogue.eras()[0].skipped == 4
    assert found.verify().problems == ()
    assert len(found.sequences()) == log.last - 4
    found.close()


def test_events_behind_all_files_are_given_again(house: House, log: Log) -> None:
    fill(log)
    house.catch_up(flush=10)
    newest = max(house.files, key=lambda each: each.last)
    house.close()
    house.folder.remove(newest.path)
    lose_catalogue(house)
    rebuilt = rebuild(house, all_of(log))
    assert rebuilt.rewind == newest.first - 1
    assert rebuilt.coming == (Stretch(era=1, first=newest.first, last=log.last),)
    lose_catalogue(house)
    rebuilt = rebuild(house, since(log, newest.first + 2))
    assert rebuilt.lost == (Stretch(era=1, first=newest.first, last=newest.first + 1),)
    found = again(house)
    go_on(found, newest.first + 2)
    assert found.verify().problems == ()
    assert found.catalogue.eras()[0].skipped == 2
    found.close()


def test_the_first_events_are_given_again_where_the_log_has_them(house: House, log: Log) -> None:
    fill(log)
    house.catch_up(flush=10)
    oldest = min(house.files, key=lambda each: each.first)
    house.close()
    house.folder.remove(oldest.path)
    lose_catalogue(house)
    assert rebuild(house, all_of(log)).rewind == 0
    found = again(house)
    go_on(found)
    assert_whole(found)
    found.close()


def test_what_is_let_go_for_its_age_is_not_taken_for_lost(house: House, log: Log) -> None:
    """LEA1: events are nearly in the order of time only."""
    fill(log, messages=20, hours=1)
    ends = (log.clock.now // HOUR_MS + 1) * HOUR_MS
    for number in range(3):
        for beside in (1000, -1000):  # the later one first
            log.clock.now = ends + beside + number * 10
            log.accept("late@example.net")
    log.clock.now = ends + 2000
    fill(log, messages=20, hours=2)
    house.catch_up(flush=1000)
    old = house.catalogue.files_before(ends // HOUR_MS, 9)
    house.catalogue.forget(old, 0)
    for each in old:
        house.folder.remove(each.path)
    house.close()
    lose_catalogue(house)
    rebuilt = rebuild(house)
    assert rebuilt.lost == ()
    assert [each.forgotten for each in rebuilt.eras] == [3]
    found = again(house)
    assert found.verify().problems == ()
    found.close()


def test_files_of_others_are_named_and_left(house: House, log: Log, tmp_path: Path) -> None:
    """LRB1"""
    fill(log)
    house.catch_up(flush=10)
    report, files = house.ask(REPORT), house.files
    one = house.folder.locate(files[0].path)
    stranger = files[0].path.replace("-r0", "-r7")
    engine = house.engine
    engine.ask(f"COPY (SELECT 1 AS x) TO '{house.folder.locate(stranger)}' (FORMAT parquet)")
    misnamed = files[0].path.replace("-e1-", "-e3-")
    shutil.copy(one, house.folder.locate(misnamed))
    shifted = house.files[1].path.replace(f"{files[1].first:012d}-", f"{files[1].first + 1:012d}-")
    shutil.copy(house.folder.locate(files[1].path), house.folder.locate(shifted))
    copied = f"{Path(files[0].path).parent}/copy of it.parquet"
    shutil.copy(one, house.folder.locate(copied))
    (house.folder.path / "notes.txt").write_text("mine\n")
    # Another lake's, of the same era
    other = House(tmp_path / "other", log)
    other.writer.begin(b"another queue", log.last)
    era = other.catalogue.eras()[-1]
    other.writer._take(msgspec.structs.replace(era, id=1))
    other.writer.add(log.positions[:2], {})
    part = next(iter(other.writer._parts.items()))
    theirs = other.writer._write(*part, msgspec.structs.replace(era, id=1))
    shutil.copy(other.folder.locate(theirs.path), house.folder.locate(theirs.path))
    other.close()
    house.close()
    lose_catalogue(house)
    rebuilt, others = asyncio.run(take_stock(house, all_of(log)))
    assert set(others.names) == {copied, "notes.txt"}
    reasons = {each.path: each.reason for each in rebuilt.found.untouched}
    assert reasons.keys() == {stranger, misnamed, shifted, theirs.path}
    assert "which its name does not say" in reasons[shifted]
    assert "names no queue" in reasons[stranger]
    assert "its name does not say" in reasons[misnamed]
    assert f"queue {b'another queue'.hex()}" in reasons[theirs.path]
    adopt(house.folder, rebuilt.found, log.clock.now)
    found = again(house)
    assert found.ask(REPORT) == report
    assert {*reasons} < set(found.on_disk())
    assert (house.folder.path / "notes.txt").exists()
    found.close()


def test_a_part_of_a_day_counts_where_the_other_part_is_broken(
    house: House, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LSE1"""
    monkeypatch.setattr(compacting, "OWN_ROWS", 1)
    fill(log, messages=40, hours=1, tenants=("a", "a", "a", "b"))
    house.catch_up(flush=9)
    house.compact_days()
    report = house.ask(REPORT)
    for each in house.catalogue.gone():
        house.folder.remove(each.path)
    own, rest = sorted(house.files, key=lambda each: each.tenant is None)
    house.close()
    cut(house.folder.locate(rest.path))
    lose_catalogue(house)
    rebuilt = rebuild(house, all_of(log))
    assert [each.path for each in rebuilt.found.files] == [own.path]
    assert sum(each.coming for each in rebuilt.eras) == rest.rows
    found = again(house)
    go_on(found)
    assert found.ask(REPORT) == report
    assert_whole(found)
    found.close()


def test_half_of_what_was_to_be_made_does_not_count(
    house: House, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LSE1, LN1"""
    monkeypatch.setattr(compacting, "OWN_ROWS", 1)
    fill(log, messages=40, hours=1, tenants=("a", "a", "a", "b"))
    house.catch_up(flush=9)
    parts = {each.path for each in house.files}
    house.compact_days()
    own, _ = sorted(house.files, key=lambda each: each.tenant is None)
    house.folder.remove(own.path)
    house.close()
    lose_catalogue(house)
    rebuilt = rebuild(house)
    assert {each.path for each in rebuilt.found.files} == parts
    assert rebuilt.is_whole
    found = again(house)
    assert_whole(found)
    found.close()


def test_a_broken_file_stays_as_it_is_when_its_events_come_again_in_one(
    house: House, log: Log
) -> None:
    fill(log, messages=12, hours=3)
    house.catch_up()
    broken, *_ = house.files
    house.close()
    path = house.folder.locate(broken.path)
    cut(path)
    octets = path.read_bytes()
    lose_catalogue(house)
    rebuilt, _ = asyncio.run(take_stock(house, all_of(log)))
    assert rebuilt.found.files
    adopt(house.folder, rebuilt.found, log.clock.now)
    found = again(house)
    found.writer.add(log.positions, asyncio.run(found.labels.find(log.positions)))
    found.writer.flush(log.clock.now)
    assert path.read_bytes() == octets
    assert_whole(found)
    found.close()


def test_files_that_somebody_copied_under_another_name_count_once(house: House, log: Log) -> None:
    """LSE1"""
    fill(log)
    house.catch_up(flush=10)
    one = house.files[0]
    name = read_name(one.path)
    assert name is not None
    copy = msgspec.structs.replace(name, last=name.last + 1)
    shutil.copy(house.folder.locate(one.path), house.folder.locate(copy.path))
    house.close()
    lose_catalogue(house)
    rebuilt = rebuild(house, all_of(log))
    assert len(rebuilt.found.gone) == 1
    found = again(house)
    assert_whole(found)
    found.close()


def test_eras_are_found_and_only_the_last_one_gets_something_again(house: House, log: Log) -> None:
    fill(log, messages=20)
    house.catch_up(flush=7)
    assert house.writer.begin(QUEUE, 12) == 12
    house.catch_up(flush=7)
    report = house.ask(REPORT)
    files = [each for each in house.files if each.era == 2]
    old = [each for each in house.files if each.era == 1][1]
    house.close()
    cut(house.folder.locate(files[1].path))
    cut(house.folder.locate(old.path))
    lose_catalogue(house)
    rebuilt = rebuild(house, all_of(log))
    assert [each.era for each in rebuilt.lost] == [1]
    assert [each.era for each in rebuilt.coming] == [2]
    assert [each.first for each in rebuilt.eras] == [1, 13]
    found = again(house)
    go_on(found)
    assert found.verify().problems == ()
    era = "WHERE era = 2 GROUP BY ALL"
    assert found.ask(REPORT.replace("GROUP BY ALL", era)) == [
        each for each in report if each[0] == 2
    ]
    found.close()


def test_an_older_copy_of_the_queue_gives_nothing_again(house: House, log: Log) -> None:
    fill(log, messages=20)
    house.catch_up(flush=7)
    house.close()
    cut(house.folder.locate(house_files(house)[1]))
    lose_catalogue(house)
    rebuilt = rebuild(house, LoggedEvents(queue=QUEUE, oldest=1, newest=log.last - 1))
    assert (rebuilt.coming, rebuilt.rewind) == ((), None)
    assert rebuilt.lost


def house_files(house: House) -> list[str]:
    return house.on_disk()


def test_a_catalogue_that_is_damaged_is_kept_aside(house: House, log: Log) -> None:
    fill(log)
    house.catch_up(flush=10)
    report = house.ask(REPORT)
    house.close()
    path = house.folder.path / FILE_NAME
    path.write_bytes(b"not SQLite at all" * 300)
    with pytest.raises(LakeAwayError, match="postmaster lake rebuild"):
        Catalogue(house.folder.path)
    rebuilt, _ = asyncio.run(take_stock(house))
    aside = adopt(house.folder, rebuilt.found, log.clock.now)
    assert aside is not None
    assert aside.read_bytes().startswith(b"not SQLite")
    found = again(house)
    assert found.ask(REPORT) == report
    found.close()
    _, others = asyncio.run(take_stock(house))
    assert others.count == 0


def test_one_of_a_newer_server_is_left_alone(house: House, log: Log) -> None:
    fill(log)
    house.catch_up()
    house.close()
    rebuilt, _ = asyncio.run(take_stock(house))
    with sqlite3.connect(house.folder.path / FILE_NAME) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(LakeAwayError, match="newer Angarium"):
        adopt(house.folder, rebuilt.found, log.clock.now)


def test_no_number_of_a_file_is_given_again(house: House, log: Log) -> None:
    """Who erases an address remembers by them which it has done."""
    fill(log)
    house.catch_up(flush=10)
    before = {each.id for each in house.files}
    house.close()
    rebuild(house)
    found = again(house)
    assert min(each.id for each in found.files) > max(before)
    found.close()


def test_a_server_alone_makes_no_catalogue_where_something_is_missing(
    house: House, log: Log
) -> None:
    """LOP1"""
    fill(log)
    house.catch_up(flush=10)
    broken = house.files[1]
    house.close()
    cut(house.folder.locate(broken.path))
    lose_catalogue(house)
    before = house.on_disk()
    for _ in range(2):
        with pytest.raises(RebuildNeededError, match="postmaster lake rebuild"):
            open_for_writing(house.folder, log.clock.now)
    assert house.on_disk() == before


def test_a_file_that_may_not_be_read_is_not_taken_for_broken(
    house: House, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(log)
    house.catch_up(flush=10)
    house.close()
    opened = Path.open

    def denied(path: Path, *more: Any, **named: Any) -> Any:
        if path.name.endswith(".parquet"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *more, **named)

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(LakeAwayError, match="Permission denied"):
        asyncio.run(take_stock(house))


# --- a bucket ---


async def moved(tmp_path: Path, log: Log, bucket: S3Stub, **more: Any) -> House:
    """A lake whose files are all in the bucket, and on this machine none."""
    house = await filled(tmp_path / "lost", log, **bucket_settings(bucket, **more))
    tended = Tended(house)
    await tended.round()
    tended.close()
    return house


async def report_of(house: House) -> Any:
    from angarium.lake.asking.answering import Asked, Asker
    from angarium.lake.asking.question import Answer

    said = await Asker(house.config).ask(Asked(sql=REPORT))
    assert isinstance(said, Answer), said
    return msgspec.json.decode(said.rows)


class Elsewhere(House):
    """Another machine, which has the log, the bucket and nothing of the lake yet."""

    def __init__(self, data_dir: Path, house: House) -> None:
        self.log, self.data_dir = house.log, data_dir
        self.config = msgspec.structs.replace(
            house.config,
            server=msgspec.structs.replace(house.config.server, data_dir=str(data_dir)),
        )
        self.folder = type(house.folder)(data_dir / "lake")
        self.folder.make()


async def test_a_lake_is_made_anew_of_the_bucket_alone(
    tmp_path: Path, log: Log, bucket: S3Stub
) -> None:
    """LRB1"""
    bucket.listed_at_once = 2
    house = await moved(tmp_path, log, bucket)
    report, before = (
        await report_of(house),
        {(each.path, each.rows, each.octets, each.tenant) for each in house.files},
    )
    house.close()
    bucket.objects["lake/readme & more.txt"] = b"mine"
    bucket.objects["elsewhere/2023/x"] = b"another's"
    elsewhere = Elsewhere(tmp_path / "new", house)
    rebuilt, others = await take_stock(elsewhere, all_of(log))
    assert others.names == ("files: lake/readme & more.txt",)
    assert rebuilt.is_whole
    adopt(elsewhere.folder, rebuilt.found, log.clock.now)
    assert list(elsewhere.folder.unfinished().parent.iterdir()) == []
    found = House(tmp_path / "new", log, **bucket_settings(bucket))
    assert {(each.path, each.rows, each.octets, each.tenant) for each in found.files} == before
    assert all(each.is_remote and not each.is_local for each in found.files)
    assert await report_of(found) == report
    found.close()


async def test_of_a_file_in_the_bucket_little_is_fetched(
    tmp_path: Path, log: Log, bucket: S3Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glimpse, "_GUESSED", 64)
    monkeypatch.setattr(glimpse, "_NEAR", 0)
    fill(log, messages=3000, hours=1)
    house = await moved(tmp_path, log, bucket)
    house.close()
    bucket.requests.clear()
    elsewhere = Elsewhere(tmp_path / "new", house)
    rebuilt, _ = await take_stock(elsewhere, all_of(log))
    assert rebuilt.is_whole
    spans = [span.removeprefix("bytes=").split("-") for _, _, span in bucket.requests if span]
    fetched = sum(int(last) - int(first) + 1 for first, last in spans)
    assert 0 < fetched < sum(map(len, bucket.objects.values())) * 0.7


async def test_a_broken_object_is_named_and_one_here_counts_in_its_place(
    tmp_path: Path, log: Log, bucket: S3Stub
) -> None:
    house = await moved(tmp_path, log, bucket)
    one, two, three, *_ = [each.path for each in house.files]
    report = await report_of(house)
    house.close()
    lose_catalogue(house)
    for each in (one, two):
        bucket.objects[f"lake/{each}"] = bucket.objects[f"lake/{each}"][:-5]
    house.folder.locate(two).unlink()
    cut(house.folder.locate(three))
    rebuilt, _ = await take_stock(house, all_of(log))
    assert [each.path for each in rebuilt.found.untouched] == [two]
    where = {each.path: (each.is_local, each.is_remote) for each in rebuilt.found.files}
    assert where[one] == (True, False)
    assert where[three] == (False, True)
    adopt(house.folder, rebuilt.found, log.clock.now)
    found = House(house.data_dir, log, **bucket_settings(bucket))
    found.writer.begin(QUEUE, log.last)
    found.writer.add(log.positions, await found.labels.find(log.positions))
    found.writer.flush(log.clock.now)
    tended = Tended(found)
    await tended.round()
    tended.close()
    assert await report_of(found) == report
    sent = bucket.objects[f"lake/{one}"]
    assert sent == found.folder.locate(one).read_bytes()
    found.close()


@pytest.mark.parametrize("fault", ["SlowDown", "AccessDenied", "cut 10"])
async def test_a_bucket_that_fails_amid_it_leaves_all_as_it_was(
    tmp_path: Path, log: Log, bucket: S3Stub, fault: str
) -> None:
    """What cannot be fetched now is not broken."""
    house = await moved(tmp_path, log, bucket)
    house.close()
    elsewhere = Elsewhere(tmp_path / "new", house)
    for later in range(1, 4):
        bucket.faults.extend([*["cut 100000000"] * later, fault])
        with pytest.raises(LakeAwayError, match=r"lake\.bucket"):
            await take_stock(elsewhere)
        bucket.faults.clear()
    assert list(elsewhere.folder.unfinished().parent.iterdir()) == []


# --- killed ---

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from angarium.lake import adopting, catalogue, stocktaking
from tests.history.killed import log_of_many
from tests.lake.test_rebuilding import Left, all_of, take_stock

left, log = int(sys.argv[2]), log_of_many()


def step(*_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)


class Traced(catalogue.Catalogue):
    def _prepare(self):
        self.db.set_trace_callback(step)
        super()._prepare()


adopting.Catalogue = Traced
examine = stocktaking.Rebuilding.examine
stocktaking.Rebuilding.examine = lambda *given: (step(), examine(*given))[1]
house = Left(Path(sys.argv[1]), log)
rebuilt, _ = asyncio.run(take_stock(house, all_of(log)))
step()
adopting.adopt(house.folder, rebuilt.found, log.clock.now)
step()
print(left)
"""


class Left(House):
    """What a process finds that opens nothing."""

    def __init__(self, data_dir: Path, log: Log) -> None:
        from angarium.lake.folder import Folder, lake_folder
        from tests.lake.conftest import config_of

        self.log, self.data_dir, self.config = log, data_dir, config_of(data_dir)
        self.folder = Folder(lake_folder(self.config))


def run_killed(folder: Path, steps: int) -> int | None:
    """Return how many steps were left; None: it was killed."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), str(steps)],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def log_and_lake(folder: Path) -> tuple[Log, list[LakeFile], LakeFile]:
    from tests.history.killed import log_of_many

    log = log_of_many()
    house = House(folder, log)
    house.catch_up(flush=60)
    files = house.files
    house.close()
    cut(house.folder.locate(files[3].path))
    return log, files, files[3]


@pytest.mark.slow
@pytest.mark.parametrize("has_old", [True, False], ids=["beside an old catalogue", "with none"])
def test_killed_at_any_step_it_leaves_the_old_catalogue_or_the_new_one(
    tmp_path: Path, has_old: bool
) -> None:
    """LRB1"""
    template = tmp_path / "template"
    log, files, broken = log_and_lake(template)
    steps = 1000 - (run_killed(shutil.copytree(template, tmp_path / "whole"), 1000) or 0)
    assert steps > len(files) + 20
    chance = random.Random(5)
    for number in sorted({0, len(files), *chance.sample(range(steps), 5), steps - 1}):
        folder = shutil.copytree(template, tmp_path / str(number))
        left = Left(folder, log)
        if not has_old:
            lose_catalogue(left)
        assert run_killed(folder, number) is None
        if (left.folder.path / FILE_NAME).exists():
            catalogue = Catalogue(left.folder.path)
            paths = {each.path for each in catalogue.files()}
            catalogue.close()
            new = {each.path for each in files} - {broken.path}
            assert paths in (new, {each.path for each in files} if has_old else set())
        rebuild(left, all_of(log))
        found = House(folder, log)
        go_on(found)
        assert_whole(found)
        found.close()

"""Mirrors angarium/lake/writing.py: exactly once, whatever is lost or killed."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.lake.model import HOUR_MS, LakeAwayError
from tests.history.killed import log_of_many
from tests.history.samples import QUEUE, Log
from tests.lake.conftest import House, fill


def test_events_are_in_the_files_of_their_hours(house: House, log: Log) -> None:
    fill(log, messages=30, hours=3)
    house.catch_up()
    assert len({each.hour for each in house.files}) == len(house.files) >= 3
    assert sum(each.rows for each in house.files) == log.last
    hours = "SELECT count(*) FROM events WHERE date_trunc('hour', ts) <> to_timestamp(?)"
    for each in house.files:
        wrong = hours.replace("?", str(each.hour * 3600)).replace(
            "to_timestamp", "make_timestamp_ms"
        )
        wrong = wrong.replace(str(each.hour * 3600), str(each.hour * HOUR_MS))
        assert house.ask(wrong, first_hour=each.hour, end_hour=each.hour + 1) == [[0]]


def test_what_comes_again_is_passed_over(house: House, log: Log) -> None:
    """LW1"""
    fill(log)
    house.catch_up(flush=13)
    house.writer.add(log.positions, {})
    assert house.writer.waiting == 0
    assert house.writer.flush(log.clock.now) == 0
    assert house.sequences() == list(range(1, log.last + 1))


def test_files_that_the_catalogue_has_not_counted_are_written_again(
    house: House, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LW1, LOP1"""
    fill(log)

    def killed(*_: object) -> None:
        raise LakeAwayError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(house.catalogue, "append", killed)
        with pytest.raises(LakeAwayError):
            house.catch_up()
    assert house.on_disk()
    assert house.writer.position == 0
    assert house.writer.waiting == log.last
    again = House(house.data_dir, log)
    assert again.on_disk() == []
    again.catch_up(flush=7)
    assert again.sequences() == list(range(1, log.last + 1))
    again.close()


def test_another_queue_begins_an_era(house: House, log: Log) -> None:
    fill(log, messages=5)
    house.catch_up()
    assert house.writer.begin(b"another queue", log.last) == 0
    house.catch_up()
    assert house.ask("SELECT era, count(*) FROM events GROUP BY ALL ORDER BY ALL") == [
        [1, 10],
        [2, 10],
    ]
    assert house.verify().problems == ()


def test_an_older_queue_in_its_place_begins_one_where_it_is(house: House, log: Log) -> None:
    fill(log, messages=5)
    house.catch_up()
    assert house.writer.begin(QUEUE, 4) == 4
    house.catch_up()
    assert house.ask("SELECT era, count(*) FROM events GROUP BY ALL ORDER BY ALL") == [
        [1, 10],
        [2, 6],
    ]
    assert house.verify().problems == ()


def test_what_was_given_up_is_known_to_be_skipped(house: House, log: Log) -> None:
    fill(log, messages=6)
    house.writer.add(log.positions[:4], {})
    assert house.writer.give_up() == 4
    house.writer.add(log.positions[4:], {})
    house.writer.flush(log.clock.now)
    [era] = house.catalogue.eras()
    assert (era.position, era.start) == (log.last, 4)
    house.writer.add([], {})
    fill(log, messages=2)
    house.writer.add(log.positions[-2:], {})
    house.writer.flush(log.clock.now)
    found = house.verify()
    assert (found.eras[0].skipped, found.problems) == (2, ())


KILLED = """
import sys
from pathlib import Path
from tests.history.killed import log_of_many
from tests.lake.conftest import House

log = log_of_many()
house = House(Path(sys.argv[1]), log)
print("begun", flush=True)
step = int(sys.argv[2])
while house.writer.position < log.last:
    start = house.writer.position
    house.writer.add(log.positions[start : start + step], {})
    house.writer.flush(log.clock.now)
    print(start, flush=True)
    house.compact()
    house.compact_days()
house.close()
"""


def _kill(folder: Path, step: int, after: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), str(step)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    for number, _ in enumerate(process.stdout):
        if number == after:
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    process.wait(60)


@pytest.mark.slow
def test_killed_at_any_instant_it_has_each_event_once(tmp_path: Path) -> None:
    """LW1, LC1, LF1"""
    log = log_of_many()
    for step, after in ((11, 3), (17, 9), (13, 14)):
        _kill(tmp_path, step, after)
    house = House(tmp_path, log)
    house.catch_up(flush=50)
    assert house.sequences() == list(range(1, log.last + 1))
    assert house.verify().problems == ()
    house.close()


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_killed_often_it_has_each_event_once(tmp_path: Path) -> None:
    """LW1, LC1, LF1"""
    chance = random.Random(7)
    log = log_of_many()
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        for _ in range(6):
            _kill(folder, chance.randrange(5, 40), chance.randrange(1, 12))
        house = House(folder, log)
        house.catch_up(flush=50)
        house.compact()
        assert house.sequences() == list(range(1, log.last + 1))
        assert house.verify().problems == ()
        house.close()

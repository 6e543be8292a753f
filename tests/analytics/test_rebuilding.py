"""Mirrors angarium/analytics/rebuilding.py, generations.py and counter_tables.py: the same figures, counted anew."""

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from angarium.analytics import generations
from angarium.analytics.forgetting import Forgetting, Kept
from angarium.analytics.rebuilding import NothingKept, Rebuilding, Rebuilt
from angarium.queue.model import UnixMs
from tests.analytics.conftest import Counted
from tests.analytics.test_counting import logs
from tests.history.killed import log_of_many
from tests.history.samples import QUEUE, Log

DAY_MS = 86_400_000


def rebuild(counted: Counted, first_kept: int = 1, batch: int = 3) -> Rebuilt | NothingKept:
    rebuilding = Rebuilding(counted.file, counted.writer)
    position = rebuilding.begin(first_kept)
    if isinstance(position, NothingKept):
        rebuilding.undo()
        return position
    assert position >= first_kept - 1
    while events := counted.log.positions[position : position + batch]:
        rebuilding.write(events)
        position = events[-1].sequence
    return rebuilding.finish()


def forget(counted: Counted, days: int, first_kept: int) -> None:
    now = UnixMs(counted.log.clock.now)
    since = UnixMs(now - days * DAY_MS)
    kept = Kept(
        counters={"minute": since, "hour": since, "day": since},
        mail_ms=90 * DAY_MS,
        now=now,
        first_event=first_kept,
    )
    forgetting = Forgetting(counted.file, kept)
    while forgetting.step():
        pass


@given(log=logs(), data=st.data())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_counted_anew_from_any_part_of_the_log_all_figures_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, log: Log, data: st.DataObject
) -> None:
    """CRB1"""
    folder = tmp_path_factory.mktemp("rebuilt")
    batch = data.draw(st.integers(1, 9))
    of_generation = data.draw(st.integers(1, 20))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(generations, "GENERATION_EVENTS", of_generation)
        counted = Counted(folder, log)
        counted.catch_up(batch)
        for _ in range(2):
            first_kept = data.draw(st.integers(1, log.last + 1))
            if data.draw(st.booleans()):
                forget(counted, 3000, first_kept)
            before = counted.tables()
            # The queue trims no earlier than it says that it did
            rebuilt = rebuild(counted, first_kept, data.draw(st.integers(1, 9)))
            assert counted.tables() == before
            if isinstance(rebuilt, Rebuilt):
                assert (rebuilt.changed, rebuilt.before) == (0, rebuilt.after)
            else:
                assert first_kept > log.last + 1 - of_generation
        counted.close()


def deliver(log: Log, count: int, **fields: Any) -> None:
    for number in range(count):
        message_id = log.accept(f"u{number}@x.example", tags=(f"t{number % 3}",))
        log.happen("delivered", message_id, **fields)
        log.happen("opened", message_id, verdict="human")


def spoil(counted: Counted) -> None:
    with counted.file.writing() as db:
        db.execute("UPDATE day SET delivered = delivered + 5, latency = NULL WHERE dimension = 0")
        db.execute("UPDATE hour SET opened = 99")
        db.execute("DELETE FROM minute")
        db.execute("UPDATE message SET recipients = zeroblob(length(recipients))")


def test_figures_that_are_wrong_are_right_again_and_what_was_wrong_is_said(
    counted: Counted, log: Log
) -> None:
    """CRB1"""
    deliver(log, 20)
    counted.catch_up()
    right = counted.tables()
    spoil(counted)
    rebuilt = rebuild(counted)
    assert isinstance(rebuilt, Rebuilt)
    assert counted.tables() == right
    assert (rebuilt.events, rebuilt.changed, rebuilt.since) == (60, 1, log.positions[0].event.at)
    assert (rebuilt.before["delivered"], rebuilt.after["delivered"]) == (25, 20)


def test_what_is_older_than_the_log_stays_as_it_was_and_so_do_its_messages(
    counted: Counted, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CRB1"""
    monkeypatch.setattr(generations, "GENERATION_EVENTS", 10)
    old = log.accept("a@x.example", "b@x.example", campaign="week1")
    log.happen("opened", old, 0, verdict="human")
    deliver(log, 10)
    counted.catch_up()
    log.happen("opened", old, 0, verdict="human")
    log.happen("opened", old, 1, verdict="human")
    counted.catch_up()
    right = counted.tables()
    first_kept = 25
    rebuilt = rebuild(counted, first_kept)
    assert isinstance(rebuilt, Rebuilt)
    assert rebuilt.events == len(log.positions) - 30
    assert counted.tables() == right
    assert counted.by("campaign")["week1"]["opened_recipients"] == 2


def test_a_message_that_was_forgotten_is_there_as_long_as_the_log_tells_of_it(
    counted: Counted, log: Log
) -> None:
    """CRB1, CN3"""
    message_id = log.accept()
    log.happen("delivered", message_id)
    counted.catch_up()
    log.clock.now = UnixMs(log.clock.now + 89 * DAY_MS)
    log.happen("opened", message_id)
    counted.catch_up()
    log.clock.now = UnixMs(log.clock.now + 2 * DAY_MS)
    log.happen("opened", message_id)
    counted.catch_up()
    forget(counted, 3000, first_kept=3)
    right = counted.tables()
    rebuilt = rebuild(counted, 3)
    assert isinstance(rebuilt, Rebuilt)
    assert (rebuilt.changed, counted.tables()) == (0, right)
    assert counted.total()["opened"] == 1
    forget(counted, 3000, first_kept=4)
    assert counted.tables()["message"] == []


def test_what_was_counted_of_events_that_a_restored_queue_does_not_have_stays(
    counted: Counted, log: Log
) -> None:
    deliver(log, 4)
    counted.catch_up()
    gone = counted.total()
    del log.positions[3:]
    counted.writer.begin(QUEUE, log.last)
    assert rebuild(counted) == NothingKept()
    assert counted.total() == gone
    deliver(log, 2)
    counted.catch_up()
    right = counted.tables()
    rebuilt = rebuild(counted, 1)
    assert isinstance(rebuilt, Rebuilt)
    assert (rebuilt.events, rebuilt.changed) == (6, 0)
    assert counted.tables() == right


def test_until_it_is_done_the_old_figures_are_read_and_one_that_fails_changes_nothing(
    counted: Counted, log: Log
) -> None:
    deliver(log, 10)
    counted.catch_up()
    spoil(counted)
    before = counted.tables()
    rebuilding = Rebuilding(counted.file, counted.writer)
    assert rebuilding.begin(1) == 0
    rebuilding.write(log.positions[:7])
    assert counted.total()["delivered"] == 10
    assert counted.by("hour")[log.clock.now // 3_600_000]["opened"] == 99
    rebuilding.undo()
    assert counted.tables() == before
    assert counted.writer.position == log.last
    log.happen("delivered", log.accept())
    counted.catch_up()
    assert counted.total()["delivered"] == 11


def test_who_writes_sees_that_another_process_has_counted_anew(
    counted: Counted, log: Log, tmp_path: Path
) -> None:
    """CWR1"""
    deliver(log, 3)
    counted.catch_up()
    other = Counted(tmp_path, log)
    deliver(log, 3)
    assert isinstance(rebuild(other), Rebuilt)
    other.close()
    assert counted.writer.position == 9
    counted.writer.write(log.positions[3:])
    assert counted.writer.position == log.last
    assert counted.total()["delivered"] == 6


KILLED = """
import sys
from pathlib import Path
from angarium.analytics import generations
from angarium.analytics.rebuilding import Rebuilding
from tests.analytics.conftest import Counted
from tests.history.killed import log_of_many
from tests.history.samples import QUEUE

generations.GENERATION_EVENTS = 50
log = log_of_many()
counted = Counted(Path(sys.argv[1]), log)
while counted.writer.position < log.last:
    start = counted.writer.position
    counted.writer.write(log.positions[start : start + 7])
    print(start, flush=True)
    if start % 5 == 0:
        rebuilding = Rebuilding(counted.file, counted.writer)
        position = rebuilding.begin(1 + start // 2)
        while batch := log.positions[position : min(position + 20, start + 7)]:
            rebuilding.write(batch)
            position = batch[-1].sequence
            print(start, flush=True)
        rebuilding.finish()
        print(start, flush=True)
"""


@pytest.mark.slow
def test_killed_at_any_instant_also_of_counting_anew_the_figures_are_those_of_who_was_not(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """CRB1, CWR1"""
    chance = random.Random(7)
    for kill_after in [*(chance.randrange(1, 30) for _ in range(12)), 10**9]:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        for number, _ in enumerate(process.stdout):
            if number == kill_after:
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.close()
        process.wait(60)
    log = log_of_many()
    killed, whole = Counted(tmp_path, log), Counted(tmp_path_factory.mktemp("whole"), log)
    whole.catch_up()
    assert killed.writer.begin(QUEUE, log.last) == log.last
    assert killed.tables() == whole.tables()
    killed.close()
    whole.close()

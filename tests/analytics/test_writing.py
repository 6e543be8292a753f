"""Mirrors angarium/analytics/writing.py and counter_file.py."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from angarium.analytics import key_bound, writing
from angarium.analytics.asked import CountersAwayError, Only
from angarium.analytics.counter_file import CounterFile, CounterView
from angarium.analytics.counters import COUNTERS, Dimension
from angarium.analytics.forgetting import FORGET_STEP, Forgetting, Kept
from angarium.analytics.writing import CounterWriter
from angarium.queue.model import UnixMs
from tests.analytics.conftest import Counted
from tests.history.samples import QUEUE, Log
from tests.queue.samples import attempt

DAY_MS = 86_400_000


def rows(counted: Counted, table: str) -> int:
    with counted.file.writing() as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_what_comes_again_counts_once(counted: Counted, log: Log) -> None:
    """CWR1"""
    message_id = log.accept()
    log.happen("opened", message_id)
    for _ in range(2):
        counted.writer.write(log.positions)
    counted.writer.begin(QUEUE, log.last)
    counted.writer.write(log.positions)
    assert counted.total() == {"accepted": 1, "opened": 1}


@pytest.mark.parametrize("statement", ["_KEEP", "_MOVE"])
def test_a_batch_that_fails_has_counted_nothing_and_is_counted_when_it_comes_again(
    counted: Counted, log: Log, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """CWR1"""
    message_id = log.accept(tags=("a",))
    log.happen("delivered", message_id)
    with monkeypatch.context() as patched:
        patched.setattr(writing, statement, "INSERT INTO nothing VALUES (1)")
        with pytest.raises(CountersAwayError, match=r"analytics\.db"):
            counted.writer.write(log.positions)
    assert counted.total() == {}
    assert counted.writer.position == 0
    counted.catch_up()
    assert counted.total() == {"accepted": 1, "delivered": 1}
    log.happen("complained", message_id)
    again = CounterWriter(counted.file, 90 * DAY_MS)
    again.begin(QUEUE, log.last)
    again.write(log.positions)
    assert counted.by("source") == {"ip1": {"delivered": 1, "complained": 1}}


def test_routes_are_known_again_after_a_restart(counted: Counted, log: Log) -> None:
    """CRT1"""
    message_id = log.accept()
    log.happen("delivered", message_id)
    counted.catch_up()
    log.happen("complained", message_id)
    log.happen("delivered", log.accept())
    again = CounterWriter(counted.file, 90 * DAY_MS)
    again.begin(QUEUE, log.last)
    again.write(log.positions)
    assert counted.by("source") == {"ip1": {"delivered": 2, "complained": 1}}


def test_a_day_has_a_bounded_number_of_keys_and_loses_none_of_what_they_count(
    counted: Counted, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CGR1"""
    monkeypatch.setattr(key_bound, "MAX_KEYS", 5)
    for number in range(8):
        log.accept(tags=(f"t{number}",))
        log.accept(tags=("t0",))
        counted.catch_up(2)
    log.accept(tags=("t0", "u1", "u2"), tenant="acme")
    counted.catch_up()
    found = counted.by("tag")
    kept = {f"t{number}": {"accepted": 1} for number in range(1, 5)}
    assert found == {None: {"accepted": 3}, "t0": {"accepted": 9}, **kept}
    assert len(counted.by("tag", tenant="acme")) == 3


def test_pairs_of_a_day_have_a_bound_of_their_own(
    counted: Counted, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CGR1"""
    monkeypatch.setattr(key_bound, "MAX_PAIRS", 3)
    for number in range(5):
        way = msgspec.structs.replace(attempt(), provider=f"p{number}", source="ip1")
        log.happen("delivered", log.accept(), attempt=way)
    counted.catch_up()
    found = counted.by("provider", "source")
    assert found[None, None] == {"delivered": 2}
    assert len(found) == 4
    assert len(counted.by("provider")) == 5
    assert counted.by("provider", only=(Only(Dimension.SOURCE, "ip1"),)) == {
        f"p{number}": {"delivered": 1} for number in range(3)
    }


def test_minutes_hours_and_days_are_the_same_figures(
    counted: Counted, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CGR1"""
    monkeypatch.setattr(key_bound, "MAX_KEYS", 6)
    for number in range(60):
        log.clock.now = UnixMs(log.clock.now + 19 * 60_000)
        message_id = log.accept(tags=(f"t{number % 9}", "all"), campaign="week1")
        log.happen("delivered", message_id)
        log.happen("opened", message_id, verdict="human")
        if number % 7 == 0:
            counted.catch_up()
    counted.catch_up()
    figures = ", ".join(f"sum({name})" for name in COUNTERS)
    text = "SELECT tenant, dimension, at / {}, key, " + figures + ", sum_latency(latency) FROM {}"
    text += " WHERE dimension NOT IN (9, 10, 23) GROUP BY 1, 2, 3, 4"
    view = CounterView(counted.file.path.parent)
    days = view.ask(text.format(1, "day"), {})
    assert view.ask(text.format(24, "hour"), {}) == days
    assert view.ask(text.format(1440, "minute"), {}) == days
    assert len(days) > 20
    view.close()


def test_a_file_of_an_older_form_is_made_anew(tmp_path: Path, log: Log) -> None:
    with sqlite3.connect(tmp_path / "analytics.db") as db:
        db.execute("CREATE TABLE counter (tenant TEXT)")
        db.execute("CREATE TABLE state (id INTEGER)")
        db.execute("PRAGMA user_version = 1")
    db.close()
    counted = Counted(tmp_path, log)
    log.accept()
    counted.catch_up()
    assert counted.total() == {"accepted": 1}
    counted.close()


def test_a_restored_queue_goes_on_where_it_is_and_ends_no_recipient_twice(
    counted: Counted, log: Log
) -> None:
    """CN2"""
    message_id = log.accept()
    log.happen("delivered", message_id)
    counted.catch_up()
    del log.positions[1:]
    assert counted.writer.begin(QUEUE, log.last) == 1
    log.happen("delivered", message_id)
    log.accept()
    counted.catch_up()
    assert counted.total() == {"accepted": 2, "delivered": 1}


def test_another_queue_is_counted_beside_what_was_counted(counted: Counted, log: Log) -> None:
    log.accept()
    counted.catch_up()
    assert counted.writer.begin(b"another queue", 0) == 0
    assert rows(counted, "message") == 0
    log.positions.clear()
    log.accept()
    counted.catch_up()
    assert counted.total() == {"accepted": 2}


def test_what_is_old_goes_in_small_steps_but_nothing_that_waits(counted: Counted, log: Log) -> None:
    for number in range(FORGET_STEP + 10):
        log.happen("delivered", log.accept(tags=(f"t{number % 3}",), tenant=f"x{number % 300}"))
    waiting = log.accept()
    counted.catch_up()
    log.clock.now = UnixMs(log.clock.now + 40 * DAY_MS)
    log.happen("delivered", log.accept())
    counted.catch_up()
    before = UnixMs(log.clock.now - 20 * DAY_MS)
    kept = Kept(
        counters={"minute": before, "hour": before, "day": before},
        mail_ms=20 * DAY_MS,
        now=log.clock.now,
        first_event=log.last + 1,
    )
    forgetting, steps = Forgetting(counted.file, kept), 0
    while forgetting.step():
        steps += 1
    assert steps >= 8
    assert rows(counted, "day") == 5
    assert rows(counted, "message") == 2
    assert counted.total() == {"accepted": 1, "delivered": 1}
    log.happen("delivered", waiting)
    counted.catch_up()
    assert counted.total() == {"accepted": 1, "delivered": 2}


def test_a_file_of_a_newer_form_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "analytics.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(CountersAwayError, match="newer Angarium"):
        CounterFile(tmp_path)


def test_what_is_no_database_is_said_by_name(tmp_path: Path) -> None:
    (tmp_path / "analytics.db").write_text("something else entirely" * 100)
    with pytest.raises(CountersAwayError, match=r"analytics\.db: file is not a database"):
        CounterFile(tmp_path)


def test_who_only_reads_makes_no_file_and_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(CountersAwayError):
        CounterView(tmp_path)
    assert list(tmp_path.iterdir()) == []
    CounterFile(tmp_path).close()
    view = CounterView(tmp_path)
    with pytest.raises(CountersAwayError, match="readonly"):
        view.ask("DELETE FROM hour", {})
    view.close()

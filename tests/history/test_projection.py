"""Mirrors angarium/history/projection.py and database.py, on real databases."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from angarium.history.database import HistoryDatabase
from angarium.history.projection import FORGET_STEP, Projection
from angarium.history.reading import SqlReader
from angarium.history.status import Status
from angarium.history.story import HistoryAwayError, StoryFilter
from angarium.history.tables import EVENT, FORM, LABEL, MESSAGE, STATE
from angarium.history.telling import tell_from_log
from angarium.queue import MessageId, UnixMs
from angarium.queue.message_id import message_id_text
from tests.history.conftest import History
from tests.history.samples import QUEUE, Log
from tests.postgres import Postgres

DAY_MS = 86_400_000
NAMES = (
    *("delivered", "relayed", "deferred", "bounced", "expired", "in_doubt", "cancelled", "held"),
    *("released", "retried", "recipient_suppressed", "damaged", "report_bounced", "complained"),
    *("unsubscribed", "resubscribed", "opened", "clicked", "ses_told", "rerouted"),
    *("rescheduled", "skipped"),
)


def count(history: History, table: sa.Table) -> int:
    with history.database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


@st.composite
def logs(draw: st.DrawFn) -> Log:
    log = Log(seed=draw(st.integers(1, 1000)))
    known: list[tuple[MessageId, int]] = []
    for _ in range(draw(st.integers(1, 25))):
        if not known or draw(st.integers(0, 3)) == 0:
            recipients = [f"u{each}@example.net" for each in range(draw(st.integers(1, 3)))]
            later = draw(st.sampled_from([0, 0, 10**6]))
            due = log.clock.now + later if later else 0
            known.append((log.accept(*recipients, not_before=due), len(recipients)))
        message_id, recipients_ = draw(st.sampled_from(known))
        index = draw(st.integers(0, recipients_ - 1))
        log.happen(draw(st.sampled_from(NAMES)), message_id, index)
    return log


@given(log=logs(), batches=st.lists(st.integers(1, 7), min_size=1))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_events_are_cut_into_batches_the_stories_are_those_of_the_log(
    tmp_path_factory: pytest.TempPathFactory, log: Log, batches: list[int]
) -> None:
    """HC1"""
    database = HistoryDatabase("sqlite:///history.db", tmp_path_factory.mktemp("history"))
    projection = Projection(database, keeps=lambda _: True)
    projection.begin(QUEUE, log.last)
    at = 0
    while at < log.last:
        size = batches[at % len(batches)]
        projection.write(log.positions[at : at + size])
        at += size
    reader = SqlReader(database, log.clock)
    ids = {each.event.message_id for each in log.positions}
    for each in ids:
        story = reader.find("default", each)
        assert story is not None
        assert story == tell_from_log(log.of(each), log.clock())
    page = reader.list("default", StoryFilter(), None, 100)
    assert {each.email_id for each in page.stories} == {message_id_text(each) for each in ids}
    database.close()


def test_what_comes_again_is_passed_over(history: History, log: Log) -> None:
    """HD1: after a crash between the commit and its acknowledgement."""
    message_id = log.accept()
    log.happen("delivered", message_id)
    history.projection.write(log.positions)
    history.projection.write(log.positions)
    log.happen("opened", message_id)
    history.projection.write(log.positions)
    story = history.reader.find("default", message_id)
    assert story is not None
    assert [each.type for each in story.incidents] == ["accepted", "delivered", "opened"]
    assert count(history, EVENT) == 3


def test_a_batch_that_fails_leaves_nothing(history: History, log: Log) -> None:
    """HD1"""
    first = log.accept()
    history.catch_up()
    log.accept()
    log.happen("delivered", first)
    # Whatever makes a statement fail in the middle
    with history.database.writing() as connection:
        connection.execute(
            sa.insert(EVENT).values(sequence=3, message=1, tenant="default", raw=b"")
        )
    with pytest.raises(HistoryAwayError):
        history.catch_up()
    assert history.projection.position == history.reader.position() == 1
    assert count(history, MESSAGE) == 1
    with history.database.writing() as connection:
        connection.execute(sa.delete(EVENT).where(EVENT.c.sequence == 3))
    history.catch_up()
    assert history.reader.position() == 3
    assert count(history, MESSAGE) == 2


def test_it_goes_on_where_it_was(open_history: Callable[[], History], log: Log) -> None:
    message_id = log.accept()
    first = open_history()
    first.catch_up()
    log.happen("delivered", message_id)
    second = open_history()
    assert second.projection.position == 1
    second.catch_up()
    story = second.reader.find("default", message_id)
    assert story is not None
    assert story.status is Status.DELIVERED


def test_events_of_what_it_does_not_know_are_passed_over(history: History, log: Log) -> None:
    forgotten = log.accept()
    log.happen("delivered", forgotten)
    unwanted = log.accept(tenant="nobody")
    log.happen("delivered", unwanted)
    history.projection.write(log.positions[1:])  # the log begins behind the first
    assert history.reader.find("default", forgotten) is None
    assert history.reader.find("nobody", unwanted) is None
    assert (count(history, EVENT), history.reader.position()) == (0, 4)


def test_who_is_known_by_its_address_only_is_found(history: History, log: Log) -> None:
    message_id = log.accept("a@example.net", "b@example.net")
    log.happen("delivered", message_id, 0)
    log.happen("delivered", message_id, 1)
    history.catch_up()
    log.happen("complained", message_id, -1, recipient="B@Example.net")
    log.happen("complained", message_id, -1, recipient="c@example.net")
    history.catch_up()
    story = history.reader.find("default", message_id)
    assert story is not None
    assert [each.status.word for each in story.recipients] == ["delivered", "complained"]
    assert story == tell_from_log(log.of(message_id), log.clock())


def test_a_recipient_beyond_its_message_changes_nothing(history: History, log: Log) -> None:
    message_id = log.accept()
    log.happen("delivered", message_id, 0)
    history.catch_up()
    log.happen("bounced", message_id, 7)
    history.catch_up()
    story = history.reader.find("default", message_id)
    assert story is not None
    assert story.status is Status.DELIVERED


def test_what_no_database_takes_is_kept_as_well_as_can_be(history: History, log: Log) -> None:
    message_id = log.accept("a\0b@example.net", tags=("x\0y", "z" * 3000), campaign="\0")
    history.catch_up()
    found = history.reader.list("default", StoryFilter(tag="x\0y"), None, 10).stories
    assert [each.email_id for each in found] == [message_id_text(message_id)]
    assert found[0].tags == ("x\0y", "z" * 3000)
    assert history.reader.list("default", StoryFilter(tag="\ud800" * 600), None, 10).stories == ()


def test_what_is_old_is_forgotten_in_small_steps(history: History, log: Log) -> None:
    log.tell_tenant("domain_verified", "default", domain="a.example")
    old = [log.accept(tags=("t",)) for _ in range(FORGET_STEP + 5)]
    for each in old:
        log.happen("delivered", each)
    scheduled = log.accept(not_before=log.clock.now + 400 * DAY_MS)
    log.clock.now += 100 * DAY_MS
    young = log.accept()
    log.happen("opened", old[3])
    history.catch_up()
    before = UnixMs(log.clock.now - 90 * DAY_MS)
    after: int | None = 0
    steps = 0
    while after is not None:
        after = history.projection.forget(before, after)
        steps += 1
    assert steps == 2
    kept = {
        each.email_id for each in history.reader.list("default", StoryFilter(), None, 9).stories
    }
    assert kept == {message_id_text(each) for each in (old[3], scheduled, young)}
    assert history.reader.find("default", old[0]) is None
    assert count(history, EVENT) == 5
    assert count(history, LABEL) == 4 + 3 + 3  # the first has a tag, too
    log.happen("clicked", old[0])
    history.catch_up()  # nobody knows it any more
    assert count(history, EVENT) == 5


def test_the_file_is_for_nobody_else(tmp_path: Path) -> None:
    database = HistoryDatabase("sqlite:///history.db", tmp_path)
    Projection(database, keeps=lambda _: True).begin(QUEUE, 0)
    for each in tmp_path.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600
    database.close()


def test_a_file_of_another_queue_is_built_anew(tmp_path: Path, log: Log) -> None:
    message_id = log.accept()
    database = HistoryDatabase("sqlite:///history.db", tmp_path)
    history = History(database, log)
    history.projection.begin(QUEUE, log.last)
    history.catch_up()
    assert history.projection.begin(b"of another queue", log.last) == 0
    assert history.reader.find("default", message_id) is None
    database.close()


def test_a_postgresql_of_another_queue_is_left_alone(
    postgres: Postgres, tmp_path: Path, log: Log
) -> None:
    message_id = log.accept()
    database = HistoryDatabase(postgres.new_database(), tmp_path)
    history = History(database, log)
    history.projection.begin(QUEUE, log.last)
    history.catch_up()
    with pytest.raises(HistoryAwayError, match="another server"):
        history.projection.begin(b"of another queue", log.last)
    assert history.reader.find("default", message_id) is not None
    database.close()


def test_what_a_restored_queue_does_not_have_is_taken_back(history: History, log: Log) -> None:
    kept = log.accept("a@example.net", "b@example.net")
    log.happen("delivered", kept, 0)
    before = list(log.positions)
    log.happen("delivered", kept, 1)
    log.tell_tenant("domain_verified", "default", domain="a.example")
    lost = log.accept()
    history.catch_up()
    log.positions[:] = before
    assert history.projection.begin(QUEUE, log.last) == 2
    assert history.reader.find("default", lost) is None
    story = history.reader.find("default", kept)
    assert story == tell_from_log(log.of(kept), log.clock())
    assert count(history, LABEL) == 4
    other = log.accept()
    log.happen("bounced", other)
    log.happen("bounced", kept, 1)
    history.catch_up()
    for each in (kept, other):
        assert history.reader.find("default", each) == tell_from_log(log.of(each), log.clock())


def test_a_newer_form_is_left_alone(history: History) -> None:
    with history.database.writing() as connection:
        connection.execute(sa.update(STATE).values(form=FORM + 1))
    with pytest.raises(HistoryAwayError, match="newer"):
        history.projection.begin(QUEUE, 0)


def test_a_database_that_is_away_says_so(tmp_path: Path) -> None:
    with pytest.raises(HistoryAwayError, match="neither"):
        HistoryDatabase("mysql://host/name", tmp_path)
    nowhere = HistoryDatabase(f"postgresql://postgres@/none?host={tmp_path}", tmp_path)
    with pytest.raises(HistoryAwayError, match=r"history\.database"):
        SqlReader(nowhere, lambda: UnixMs(0)).position()
    nowhere.close()


def test_who_opened_is_forgotten_after_its_days_and_the_message_is_not(
    history: History, log: Log
) -> None:
    """HC1"""
    old, new = log.accept("ann@example.com"), log.accept("bob@example.com")
    for each in (old, new):
        log.happen("delivered", each)
    log.happen("fetched", old)
    log.happen("clicked", old, verdict="human")
    log.happen("opened", old, verdict="human")
    before = UnixMs(log.clock.now + 1)
    log.happen("clicked", new, verdict="human")
    history.catch_up()
    after: int | None = 0
    while after is not None:
        after = history.projection.forget_told(before, after)
    reader = SqlReader(history.database, log.clock)
    stories = [reader.find("default", each) for each in (old, new)]
    assert [each.status for each in stories if each] == [Status.DELIVERED, Status.CLICKED]
    page = reader.incidents("default", old, None, 100)
    assert page is not None
    assert [each.type for each in page.incidents] == ["accepted", "delivered"]
    assert count(history, MESSAGE) == 2

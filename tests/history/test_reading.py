"""Mirrors angarium/history/reading.py, on real databases."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from angarium.history import reading
from angarium.history.cursors import cursor_text
from angarium.history.details import details_of
from angarium.history.status import Status
from angarium.history.story import CursorError, Story, StoryFilter
from angarium.queue import MessageId, UnixMs
from angarium.queue.about import About
from angarium.queue.message_id import message_id_text
from tests.history.conftest import History
from tests.history.samples import Log

HOUR_MS = 3_600_000


def found(history: History, tenant: str = "default", limit: int = 100, **wanted: Any) -> list[str]:
    """All pages of a list, as ids."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = history.reader.list(tenant, StoryFilter(**wanted), cursor, limit)
        assert len(page.stories) <= limit
        ids += [each.email_id for each in page.stories]
        cursor = page.cursor
        if cursor is None:
            return ids


def texts(*ids: MessageId) -> list[str]:
    return [message_id_text(each) for each in ids]


def find(history: History, message_id: MessageId, tenant: str = "default") -> Story:
    story = history.reader.find(tenant, message_id)
    assert story is not None
    return story


def test_a_story_has_what_was_said_of_a_message_and_what_happened_to_it(
    history: History, log: Log
) -> None:
    about = About(
        subject="Hello", metadata={"order": 7}, recipients={"b@example.net": {"user": "b"}}
    )
    created = log.clock.now + 1
    message_id = log.accept(
        "a@example.net", "b@example.net", about=about, campaign="spring", tags=("welcome",)
    )
    log.happen("deferred", message_id, 0)
    log.happen("delivered", message_id, 0, attempts=2)
    log.happen("bounced", message_id, 1)
    history.catch_up()
    story = find(history, message_id)
    assert (story.about, story.campaign, story.tags) == (about, "spring", ("welcome",))
    assert (story.created, story.sent, story.last_updated) == (created, created + 2, created + 3)
    assert story.status is Status.DELIVERED
    a, b = story.recipients
    assert (a.status, a.attempts, a.reply) == (Status.DELIVERED, 2, "250 as it went")
    assert (a.last_updated, a.host, a.metadata) == (created + 2, "mx.example.net", {})
    assert (b.status, b.reply, b.metadata) == (Status.BOUNCED, "550 as it went", {"user": "b"})
    assert [(each.type, each.recipients, each.since_ms) for each in story.incidents] == [
        ("accepted", ("a@example.net", "b@example.net"), 0),
        ("deferred", ("a@example.net",), 1),
        ("delivered", ("a@example.net",), 2),
        ("bounced", ("b@example.net",), 3),
    ]


def test_what_was_put_off_is_scheduled_until_its_time_has_come(history: History, log: Log) -> None:
    later = log.accept(not_before=log.clock.now + HOUR_MS)
    now = log.accept()
    history.catch_up()
    assert find(history, later).status is Status.SCHEDULED
    assert found(history, status=Status.SCHEDULED) == texts(later)
    assert found(history, status=Status.READY_TO_SEND) == []
    log.clock.now += HOUR_MS
    assert find(history, later).status is Status.READY_TO_SEND
    assert find(history, later).recipients[0].status is Status.READY_TO_SEND
    assert found(history, status=Status.SCHEDULED) == []
    assert found(history, status=Status.READY_TO_SEND) == texts(later)
    log.happen("retried", now)
    history.catch_up()
    assert found(history, status=Status.READY_TO_SEND) == texts(now, later)
    due = UnixMs(log.clock.now + HOUR_MS)
    log.happen("rescheduled", later, due=due)
    history.catch_up()
    assert found(history, status=Status.SCHEDULED) == texts(later)
    assert find(history, later).due == due


@pytest.fixture
def three(history: History, log: Log) -> tuple[MessageId, MessageId, MessageId]:
    first = log.accept("Ann@Example.net", stream="bulk", campaign="spring", tags=("a", "b"))
    log.clock.now += HOUR_MS
    second = log.accept("ann@example.net", "bob@example.net", stream="bulk", tags=("b",))
    log.clock.now += HOUR_MS
    third = log.accept("bob@example.net", stream="news", campaign="spring")
    log.happen("delivered", first)
    log.happen("bounced", third)
    history.catch_up()
    return first, second, third


WANTED: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({}, (3, 2, 1)),
    ({"recipient": "ann@example.NET"}, (2, 1)),
    ({"recipient": "carol@example.net"}, ()),
    ({"tag": "b"}, (2, 1)),
    ({"tag": "a"}, (1,)),
    ({"stream": "bulk"}, (2, 1)),
    ({"campaign": "spring"}, (3, 1)),
    ({"status": Status.BOUNCED}, (3,)),
    ({"status": Status.CREATED}, (2,)),
    ({"campaign": "spring", "stream": "bulk"}, (1,)),
    ({"campaign": "spring", "status": Status.BOUNCED}, (3,)),
    ({"recipient": "bob@example.net", "stream": "news", "status": Status.CREATED}, ()),
    ({"recipient": "ann@example.net", "tag": "a", "stream": "bulk"}, (1,)),
]


def test_lists_have_what_meets_all_conditions_the_newest_first(
    history: History, three: tuple[MessageId, ...]
) -> None:
    for wanted, numbers in WANTED:
        ids = texts(*[three[each - 1] for each in numbers])
        assert found(history, limit=1, **wanted) == ids, wanted
        assert found(history, limit=100, **wanted) == ids, wanted


def test_lists_have_what_was_accepted_in_a_time(
    history: History, three: tuple[MessageId, ...]
) -> None:
    first, second, third = three
    at = find(history, second).created
    assert found(history, since=at) == texts(third, second)
    assert found(history, until=at) == texts(first)
    assert found(history, since=at, until=UnixMs(at + 1)) == texts(second)
    assert found(history, since=UnixMs(at + 1), stream="bulk") == []


def test_nobody_sees_what_is_another_tenants(history: History, log: Log) -> None:
    """P7"""
    mine = log.accept("ann@example.net", tags=("t",), campaign="c", tenant="one")
    theirs = log.accept(
        "ann@example.net", tags=("t",), campaign="c", tenant="two", message_id_header="<x@y>"
    )
    log.happen("delivered", theirs)
    history.catch_up()
    for wanted in (
        {},
        {"recipient": "ann@example.net"},
        {"tag": "t"},
        {"campaign": "c"},
        {"stream": "news"},
        {"tag": "t", "stream": "news"},
    ):
        assert found(history, "one", **wanted) == texts(mine)
    assert found(history, "one", status=Status.DELIVERED) == []
    assert found(history, "three") == []
    assert history.reader.find("one", theirs) is None
    assert history.reader.find_by_message_id("one", "<x@y>") is None
    assert history.reader.incidents("one", theirs, None, 10) is None
    events = history.reader.events("one", None, 10)
    assert [each.email_id for each in events.incidents] == texts(mine)


def test_a_page_ends_where_enough_was_looked_at_and_the_next_goes_on(
    history: History, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LOOKED_AT", 5)
    wanted = log.accept(campaign="c", tags=("rare",))
    for _ in range(12):
        log.accept(campaign="c")
    history.catch_up()
    only = StoryFilter(campaign="c", stream="news", status=Status.DELIVERED)
    page = history.reader.list("default", only, None, 2)
    assert page.stories == ()
    assert page.cursor is not None
    assert found(history, campaign="c", status=Status.DELIVERED) == []
    log.happen("delivered", wanted)
    history.catch_up()
    assert found(history, campaign="c", status=Status.DELIVERED) == texts(wanted)


def test_messages_of_one_millisecond_are_all_in_their_list(history: History, log: Log) -> None:
    ids = []
    for _ in range(7):
        ids.append(log.accept())
        log.clock.now -= 1
    history.catch_up()
    assert found(history, limit=2) == texts(*reversed(ids))


def test_a_message_is_found_by_the_message_id_that_its_client_gave(
    history: History, log: Log
) -> None:
    log.accept(message_id_header="<own@client.example>")
    newest = log.accept(message_id_header="<own@client.example>")
    history.catch_up()
    for asked in ("own@client.example", " <own@client.example>"):
        story = history.reader.find_by_message_id("default", asked)
        assert story is not None
        assert story.email_id == message_id_text(newest)


def test_a_message_is_found_by_the_message_id_that_we_gave(history: History, log: Log) -> None:
    message_id = log.accept()
    text = message_id_text(message_id)
    ours = f"<{text}@example.com>"
    log.positions.clear()
    log.accept(message_id_header=ours)  # not its own: a client's copy
    history.catch_up()
    story = history.reader.find_by_message_id("default", ours)
    assert story is not None
    assert story.message_id == ours
    for unknown in (f"<{text}@elsewhere.example>", "<>", "", "<a\0b@c>", f"<{text}>"):
        assert history.reader.find_by_message_id("default", unknown) is None


def test_events_come_in_order_behind_a_cursor(history: History, log: Log) -> None:
    one = log.accept("a@example.net", about=About(metadata={"n": 1}))
    other = log.accept("b@example.net", "c@example.net", about=About(metadata={"n": 2}))
    log.happen("delivered", other, 1)
    log.happen("bounced", one)
    history.catch_up()
    first = history.reader.events("default", None, 3)
    assert [(each.type, each.recipients, each.metadata) for each in first.incidents] == [
        ("accepted", ("a@example.net",), {"n": 1}),
        ("accepted", ("b@example.net", "c@example.net"), {"n": 2}),
        ("delivered", ("c@example.net",), {"n": 2}),
    ]
    assert first.more
    second = history.reader.events("default", first.cursor, 3)
    assert [each.type for each in second.incidents] == ["bounced"]
    assert not second.more
    third = history.reader.events("default", second.cursor, 3)
    assert (third.incidents, third.cursor, third.more) == ((), second.cursor, False)
    log.happen("opened", other, 0)
    history.catch_up()
    assert [e.type for e in history.reader.events("default", third.cursor, 3).incidents] == [
        "opened"
    ]


def test_events_of_one_message_come_behind_a_cursor(history: History, log: Log) -> None:
    one, other = log.accept(), log.accept()
    for name in ("deferred", "delivered", "opened"):
        log.happen(name, one)
        log.happen(name, other)
    history.catch_up()
    types = []
    cursor: str | None = None
    for _ in range(4):
        page = history.reader.incidents("default", one, cursor, 1)
        assert page is not None
        types += [each.type for each in page.incidents]
        cursor = page.cursor
        assert page.more == (len(types) < 4)
    assert types == ["accepted", "deferred", "delivered", "opened"]
    last = history.reader.incidents("default", one, cursor, 1)
    assert last is not None
    assert last.incidents == ()


def test_a_message_of_very_many_events_has_the_newest(
    history: History, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = log.accept()
    for _ in range(reading.INCIDENTS + 3):
        log.happen("opened", message_id)
    history.catch_up()
    story = find(history, message_id)
    assert len(story.incidents) == reading.INCIDENTS
    assert story.incidents[-1].position.sequence == log.last
    assert story.status is Status.CREATED  # though it was opened: the queue has said nothing yet


def test_introductions_say_whose_a_message_is(history: History, log: Log) -> None:
    about = About(subject="s", metadata={"k": "v"})
    known = log.accept("a@example.net", tenant="shop", about=about, tags=("t",), campaign="c")
    unknown = MessageId(bytes(16))
    history.catch_up()
    found = history.reader.introductions([known, unknown])
    assert list(found) == [known]
    assert (found[known].tenant, found[known].about, found[known].recipients) == (
        "shop",
        about,
        ("a@example.net",),
    )
    assert history.reader.introductions([]) == {}


def test_a_cursor_is_of_one_kind_of_list(history: History, log: Log) -> None:
    message_id = log.accept()
    with pytest.raises(CursorError):
        history.reader.events("default", cursor_text("m", 1, 2), 10)
    with pytest.raises(CursorError):
        history.reader.incidents("default", message_id, cursor_text("e", 1), 10)


@pytest.fixture
def plans(history: History) -> Iterator[Callable[[], list[str]]]:
    """How SQLite answers what it is asked meanwhile."""
    asked: list[tuple[str, Any]] = []

    def note(_: object, cursor: object, statement: str, parameters: Any, *__: object) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    engine = history.database._engine
    sa.event.listen(engine, "before_cursor_execute", note)

    def explain() -> list[str]:
        with history.database.reading() as connection:
            steps: list[str] = []
            for statement, parameters in asked:
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                steps += [each.detail for each in rows]
            return steps

    yield explain
    sa.event.remove(engine, "before_cursor_execute", note)


ON_SQLITE = pytest.mark.parametrize("url", ["sqlite:///history.db"])


@ON_SQLITE
@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"recipient": "a@example.net"},
        {"tag": "t"},
        {"stream": "s"},
        {"campaign": "c"},
        {"status": Status.BOUNCED},
        {"status": Status.READY_TO_SEND},
        {"campaign": "c", "status": Status.BOUNCED},
        {"since": UnixMs(5), "until": UnixMs(7)},
        {"since": UnixMs(5), "status": Status.SENT},
        {"since": UnixMs(5), "recipient": "a@example.net"},
    ],
)
def test_every_list_is_read_off_an_index(
    history: History, plans: Callable[[], list[str]], wanted: dict[str, Any]
) -> None:
    history.reader.list("default", StoryFilter(**wanted), cursor_text("m", 10, 10), 10)
    steps = plans()
    assert steps
    tables = [each for each in steps if "history_" in each or "accepted" in each]
    assert tables
    assert all(each.startswith("SEARCH") for each in tables), steps
    ranges = [each for each in tables if re.search(r"\(created|created<|created>", each)]
    assert ranges or not wanted.get("since"), steps


@ON_SQLITE
def test_a_look_up_is_a_probe_of_indexes(
    history: History, log: Log, plans: Callable[[], list[str]]
) -> None:
    message_id = log.accept()
    history.catch_up()
    find(history, message_id)
    history.reader.events("default", None, 10)
    history.reader.incidents("default", message_id, None, 10)
    history.reader.introductions([message_id])
    steps = [each for each in plans() if not each.startswith("LIST SUBQUERY")]
    assert all(each.startswith("SEARCH") for each in steps), steps
    assert not any("TEMP B-TREE" in each for each in steps), steps


def test_questions_that_are_asked_together_are_each_answered(history: History, log: Log) -> None:
    message_id = log.accept()
    history.catch_up()
    found, wrong, position = history.reader.answer(
        [
            lambda reader: reader.find("default", message_id),
            lambda reader: reader.events("default", "x", 1),
            lambda reader: reader.position(),
        ]
    )
    assert found == find(history, message_id)
    assert isinstance(wrong, CursorError)
    assert position == 1


def test_what_is_told_a_tenant_of_no_message_is_among_its_events(
    history: History, log: Log
) -> None:
    message_id = log.accept(tenant="shop")
    log.tell_tenant("domain_failed", "shop", domain="shop.example", text="no key", records=())
    log.tell_tenant("domain_verified", "other", domain="other.example")
    log.tell_tenant("sender_paused", "shop", rule=1, until=None, reason="bounces")
    history.catch_up()
    found = history.reader.events("shop", None, 10).incidents
    assert [(each.type, each.email_id) for each in found] == [
        ("accepted", message_id_text(message_id)),
        ("domain.failed", ""),
        ("sender_paused", ""),
    ]
    details = details_of(found[1].position.event)
    assert (details.domain, details.reason) == ("shop.example", "no key")
    assert details.processing_time_millis is None
    story = history.reader.find("shop", message_id)
    assert story is not None
    assert [each.type for each in story.incidents] == ["accepted"]

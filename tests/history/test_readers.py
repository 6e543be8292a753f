"""Mirrors angarium/history/readers.py, on real databases."""

from angarium.history.readers import LINKS, Reader
from angarium.history.story import StoryFilter
from angarium.queue.message_id import message_id_text
from tests.history.conftest import History
from tests.history.samples import Log


def all_pages(history: History, limit: int = 100, **wanted: str) -> list[Reader]:
    found: list[Reader] = []
    cursor: str | None = None
    while True:
        page = history.reader.readers("default", StoryFilter(**wanted), cursor, limit)
        found += page.readers
        cursor = page.cursor
        if cursor is None:
            return found


def test_readers_are_persons_with_what_they_did_and_when(history: History, log: Log) -> None:
    message_id = log.accept("a@example.net", "b@example.net", campaign="spring")
    log.happen("delivered", message_id, 0)
    log.happen("delivered", message_id, 1)
    log.happen("opened", message_id, 1, verdict="machine")
    log.happen("opened", message_id, 0, verdict="human")
    opened = log.clock.now
    log.happen("opened", message_id, 0)  # nobody has judged it
    log.happen("clicked", message_id, 0, verdict="human", link="https://example.com/a")
    clicked = log.clock.now
    log.happen("clicked", message_id, 0, verdict="human", link="https://example.com/b")
    log.happen("clicked", message_id, 0, verdict="human", link="https://example.com/a")
    log.happen("clicked", message_id, 0, verdict="machine", link="https://example.com/c")
    history.catch_up()
    assert all_pages(history) == [
        Reader(
            address="a@example.net",
            email_id=message_id_text(message_id),
            campaign="spring",
            opens=2,
            first_opened=opened,
            clicks=3,
            first_clicked=clicked,
            links=("https://example.com/a", "https://example.com/b"),
        )
    ]


def test_who_read_mail_that_is_tracked_without_names_is_nobody(history: History, log: Log) -> None:
    message_id = log.accept("a@example.net")
    log.happen("delivered", message_id)
    log.happen("opened", message_id, -1, recipient="", verdict="human")
    history.catch_up()
    assert all_pages(history) == []


def test_who_complained_behind_a_click_is_a_reader_and_of_many_links_some_are_named(
    history: History, log: Log
) -> None:
    message_id = log.accept("a@example.net")
    log.happen("delivered", message_id)
    for number in range(LINKS + 5):
        log.happen("clicked", message_id, verdict="human", link=f"https://example.com/{number}")
    log.happen("complained", message_id)
    history.catch_up()
    (reader,) = all_pages(history)
    assert reader.clicks == LINKS + 5
    assert len(reader.links) == LINKS
    assert reader.first_opened is None


def test_pages_of_a_campaign_have_each_of_its_readers_once_and_nobody_elses(
    history: History, log: Log
) -> None:
    wanted = []
    for number in range(30):
        campaign = "spring" if number % 2 else "autumn"
        message_id = log.accept(f"r{number}@example.net", campaign=campaign)
        log.happen("delivered", message_id)
        if number % 3 == 0:
            log.happen("opened", message_id, verdict="human")
            wanted += [f"r{number}@example.net"] if campaign == "spring" else []
    foreign = log.accept("x@example.net", campaign="spring", tenant="other")
    log.happen("delivered", foreign)
    log.happen("opened", foreign, verdict="human")
    history.catch_up()
    found = [each.address for each in all_pages(history, limit=4, campaign="spring")]
    assert found == wanted[::-1]

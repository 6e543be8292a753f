"""Mirrors angarium/history/access.py."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from angarium.history import access
from angarium.history.access import HistoryAccess
from angarium.history.database import HistoryDatabase
from angarium.history.reading import SqlReader
from angarium.history.status import Status
from angarium.history.story import HistoryAwayError, StoryFilter
from angarium.queue import MessageId, Position
from angarium.queue.message_id import message_id_text
from tests.history.conftest import History
from tests.history.samples import QUEUE, Log


class Events:
    """EventsOf a log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.asked: list[MessageId] = []
        self.further = 0  # events that are in the log besides

    def last(self) -> int:
        return self._log.last + self.further

    async def of(self, message_id: MessageId) -> Sequence[Position]:
        self.asked.append(message_id)
        return self._log.of(message_id)


class Setting:
    def __init__(self, folder: Path, log: Log) -> None:
        self.log = log
        self.history = History(HistoryDatabase("sqlite:///history.db", folder), log)
        self.history.projection.begin(QUEUE, 0)
        self.events = Events(log)
        self.pauses = 0
        self.catches_up_after = 10**9
        self.access = HistoryAccess(
            lambda: SqlReader(self.history.database, log.clock),
            self.events,
            lambda accepted: accepted.tenant != "nobody",
            log.clock,
            self._pause,
        )

    async def _pause(self) -> None:
        self.pauses += 1
        if self.pauses >= self.catches_up_after:
            self.history.catch_up()


@pytest.fixture
async def setting(tmp_path: Path, log: Log) -> AsyncIterator[Setting]:
    setting = Setting(tmp_path, log)
    yield setting
    setting.access.close()
    setting.history.database.close()


async def test_what_is_known_is_answered_at_once(setting: Setting, log: Log) -> None:
    message_id = log.accept()
    setting.history.catch_up()
    log.accept()  # there is more to come
    story = await setting.access.find("default", message_id_text(message_id))
    assert story is not None
    assert (setting.pauses, setting.events.asked) == (0, [])


async def test_what_was_just_accepted_is_waited_for(setting: Setting, log: Log) -> None:
    message_id = log.accept()
    setting.catches_up_after = 3
    story = await setting.access.find("default", message_id_text(message_id))
    assert story is not None
    assert (setting.pauses, setting.events.asked) == (3, [])


async def test_where_the_history_lags_the_log_is_read(setting: Setting, log: Log) -> None:
    message_id = log.accept(tenant="shop")
    log.happen("bounced", message_id)
    text = message_id_text(message_id)
    story = await setting.access.find("shop", text)
    assert story is not None
    assert story.status is Status.BOUNCED
    assert setting.events.asked == [message_id]
    assert setting.pauses == access.LOOKS
    assert await setting.access.find("default", text) is None  # P7
    unwanted = log.accept(tenant="nobody")
    assert await setting.access.find("nobody", message_id_text(unwanted)) is None


async def test_what_nobody_knows_is_not_waited_for_once_all_is_there(
    setting: Setting, log: Log
) -> None:
    unknown = log.accept()
    del log.positions[:]
    assert await setting.access.find("default", message_id_text(unknown)) is None
    assert (setting.pauses, setting.events.asked) == (0, [])


async def test_what_is_old_by_its_id_is_not_waited_for(setting: Setting, log: Log) -> None:
    message_id = log.accept()
    log.clock.now += access.RECENT_MS + 1
    assert await setting.access.find("default", message_id_text(message_id)) is None
    assert (setting.pauses, setting.events.asked) == (0, [])


@pytest.mark.parametrize("text", ["", "x", "é" * 36, "0" * 32, "-" * 36])
async def test_what_is_no_id_is_nobodys(setting: Setting, text: str) -> None:
    assert await setting.access.find("default", text) is None
    assert await setting.access.incidents("default", text, None, 10) is None


async def test_a_history_that_is_being_built_says_so(setting: Setting, log: Log) -> None:
    unknown = log.accept()
    del log.positions[:]
    setting.events.further = access.BEHIND + 1
    with pytest.raises(HistoryAwayError, match="being built"):
        await setting.access.find("default", message_id_text(unknown))


async def test_events_of_what_was_just_accepted_are_waited_for(setting: Setting, log: Log) -> None:
    message_id = log.accept()
    setting.catches_up_after = 1
    page = await setting.access.incidents("default", message_id_text(message_id), None, 10)
    assert page is not None
    assert [each.type for each in page.incidents] == ["accepted"]


async def test_lists_and_events_are_asked_in_threads(setting: Setting, log: Log) -> None:
    message_id = log.accept(message_id_header="<a@b>")
    setting.history.catch_up()
    page = await setting.access.list("default", StoryFilter(), None, 10)
    assert [each.email_id for each in page.stories] == [message_id_text(message_id)]
    assert len((await setting.access.events("default", None, 10)).incidents) == 1
    assert await setting.access.find_by_message_id("default", "<a@b>") is not None


async def test_more_than_may_wait_are_refused(tmp_path: Path, log: Log) -> None:
    """HAC1"""
    go = threading.Event()

    def open_reader() -> SqlReader:
        assert go.wait(60)
        raise HistoryAwayError("not there")

    one = HistoryAccess(open_reader, Events(log), lambda _: True, log.clock)
    waiting = [asyncio.create_task(one.events("default", None, 1)) for _ in range(access.WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(HistoryAwayError, match="too many"):
        await one.events("default", None, 1)
    go.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {str(each) for each in results} == {"not there"}
    with pytest.raises(HistoryAwayError, match="not there"):
        await one.events("default", None, 1)
    one.close()


async def test_a_message_is_found_by_its_message_id_too(setting: Setting, log: Log) -> None:
    own = log.accept(message_id_header="<own@client.example>")
    setting.history.catch_up()
    found = await setting.access.find("default", "<own@client.example>")
    assert found is not None
    assert found.email_id == message_id_text(own)
    for unknown in (f"<{message_id_text(own)}@client.example>", "@", "<@>", "x@y"):
        assert await setting.access.find("default", unknown) is None


async def test_what_was_just_accepted_is_waited_for_by_its_message_id(
    setting: Setting, log: Log
) -> None:
    ours = "<{}@shop.example>"
    message_id = log.accept(own_id_at="shop.example")
    setting.catches_up_after = 1
    found = await setting.access.find("default", ours.format(message_id_text(message_id)))
    assert found is not None
    other = "<{}@elsewhere.example>"
    assert await setting.access.find("default", other.format(message_id_text(message_id))) is None

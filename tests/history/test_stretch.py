"""Mirrors angarium/history/stretch.py, on real databases."""

from typing import Any

import pytest

from angarium.history.story import Stretch
from angarium.queue.about import About
from tests.history.conftest import History
from tests.history.samples import Log


def sequences(history: History, limit: int = 100, tenant: str = "default", **wanted: Any) -> Any:
    told = history.reader.told(tenant, Stretch(**wanted), limit)
    return [each.position.sequence for each in told]


@pytest.fixture
def times(history: History, log: Log) -> list[int]:
    """When each of six events was: two messages, one of another tenant between them."""
    first = log.accept(about=About(subject="One"))
    log.happen("deferred", first, 0)
    log.accept(tenant="other")
    second = log.accept(about=About(subject="Two"))
    log.happen("delivered", second, 0)
    log.happen("delivered", first, 0, attempts=2)
    history.catch_up()
    return [each.event.at for each in log.positions]


@pytest.mark.usefixtures("times")
def test_events_are_read_from_either_end(history: History) -> None:
    assert sequences(history) == [1, 2, 4, 5, 6]
    assert sequences(history, newest_first=True) == [6, 5, 4, 2, 1]
    assert sequences(history, limit=2) == [1, 2]
    assert sequences(history, limit=2, newest_first=True, last=5) == [5, 4]
    assert sequences(history, first=4, last=5) == [4, 5]
    assert sequences(history, tenant="other") == [3]
    assert sequences(history, tenant="third") == []


def test_no_event_of_a_time_is_left_out(history: History, times: list[int]) -> None:
    for since in range(times[0] - 1, times[-1] + 2):
        for until in range(since, times[-1] + 2):
            wanted = {at + 1 for at, each in enumerate(times) if since <= each <= until and at != 2}
            found = sequences(history, since=since, until=until)
            assert wanted <= set(found), (since, until)
            assert found == sequences(history, since=since, until=until, newest_first=True)[::-1]
    assert sequences(history, since=times[3]) == [2, 4, 5, 6]
    assert sequences(history, until=times[1]) == [1, 2]


@pytest.mark.usefixtures("times")
def test_each_event_says_what_its_message_was(history: History) -> None:
    told = history.reader.told("default", Stretch(), 100)
    subjects = [each.introduction.about.subject for each in told if each.introduction]
    assert subjects == ["One", "One", "Two", "Two", "One"]

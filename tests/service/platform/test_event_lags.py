"""Mirrors angarium/service/platform/event_lags.py."""

import msgspec

from angarium.queue import Event, UnixMs
from angarium.service.platform.event_lags import Lag, find_lags
from angarium.telemetry.queue_metrics import EVENT_CONSUMERS
from tests.service.fake_events import FakeEvents
from tests.service.platform.test_event_follower import AT, accepted


class Events(FakeEvents):
    def __init__(self, consumers: dict[str, int], count: int = 5) -> None:
        super().__init__([_at(number) for number in range(count)])
        self.positions = consumers

    def consumers(self) -> dict[str, int]:
        return self.positions


def _at(seconds: int) -> Event:
    return msgspec.structs.replace(accepted(), at=UnixMs(AT + seconds * 1000))


def test_a_lag_is_counted_in_events_and_by_the_age_of_the_first_of_them() -> None:
    found = find_lags(Events({"webhooks": 3, "history": 5}), UnixMs(AT + 10_000))
    assert found["webhooks"] == Lag(events=2, seconds=7.0)
    assert found["history"] == Lag()
    assert set(found) == set(EVENT_CONSUMERS)


def test_of_consumers_that_are_not_known_the_furthest_behind_is_told() -> None:
    found = find_lags(Events({"a": 4, "b": 1, "c": 2}), UnixMs(AT + 10_000))
    assert found["other"] == Lag(events=4, seconds=9.0)


def test_an_event_from_the_future_is_not_late() -> None:
    found = find_lags(Events({"tracking": 0}), UnixMs(AT - 1))
    assert found["tracking"] == Lag(events=5, seconds=0.0)

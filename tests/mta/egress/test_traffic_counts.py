"""Mirrors angarium/mta/egress/traffic_counts.py."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from angarium.mta.egress.lease import PlaceKey
from angarium.mta.egress.traffic_counts import HOUR_MS, Tally, TrafficCounts, Windows
from angarium.mta.transport.outcome import Again, Outcome
from angarium.queue import UnixMs
from tests.mta.egress.fakes import FOR_NOW, NO_USER, TAKEN

KEY = PlaceKey(source="ip1", provider="gmail")
OTHER = PlaceKey(source="ip2", provider="gmail")
START = 1_800_000_000_000
CARRIED_AGAIN = msgspec.structs.replace(FOR_NOW, again=Again.GONE)


def at(seconds: float) -> UnixMs:
    return UnixMs(START + int(seconds * 1000))


def send(counts: TrafficCounts, seconds: float, *outcomes: Outcome, took_ms: int = 200) -> None:
    counts.transaction_ended(KEY, outcomes or (TAKEN,), took_ms, at(seconds))


def windows(counts: TrafficCounts, seconds: float) -> Windows:
    return counts.find(KEY, at(seconds))


def test_recipients_count_by_what_became_of_them_and_transactions_by_their_time() -> None:
    counts = TrafficCounts()
    counts.connection_opened(KEY, at(0))
    send(counts, 1, TAKEN, TAKEN, FOR_NOW, NO_USER)
    send(counts, 2, FOR_NOW, took_ms=300)
    counts.connection_refused(KEY, at(3))
    expected = Tally(
        messages=2, delivered=2, deferred=2, bounced=1, connections=1, refused=1, busy_ms=500
    )
    assert windows(counts, 4) == Windows(minute=expected, ten_minutes=expected, hour=expected)
    assert expected.recipients == 5


def test_what_is_carried_again_at_once_is_not_deferred() -> None:
    counts = TrafficCounts()
    send(counts, 0, CARRIED_AGAIN, TAKEN)
    assert windows(counts, 0).minute == Tally(messages=1, delivered=1, busy_ms=200)


def test_what_is_old_leaves_one_window_after_the_other() -> None:
    counts = TrafficCounts()
    send(counts, 0)

    def delivered(seconds: float) -> tuple[int, int, int]:
        found = windows(counts, seconds)
        return (found.minute.delivered, found.ten_minutes.delivered, found.hour.delivered)

    assert delivered(50) == (1, 1, 1)
    assert delivered(61) == (0, 1, 1)
    assert delivered(601) == (0, 0, 1)
    assert delivered(3601) == (0, 0, 0)


def test_paths_have_counts_of_their_own_and_add_up() -> None:
    counts = TrafficCounts()
    send(counts, 0)
    counts.transaction_ended(OTHER, [NO_USER], 50, at(0))
    both = counts.find(KEY, at(1)) + counts.find(OTHER, at(1))
    assert both.minute == Tally(messages=2, delivered=1, bounced=1, busy_ms=250)
    assert both.hour == both.minute


def test_paths_are_bounded_and_the_one_used_longest_ago_goes() -> None:
    counts = TrafficCounts(limit=2)
    send(counts, 0)
    counts.connection_opened(OTHER, at(10))
    send(counts, 20)
    counts.connection_opened(PlaceKey(source="ip1", provider="new"), at(30))
    assert [each.provider for each in counts.paths(at(40))] == ["gmail", "new"]
    assert counts.find(OTHER, at(40)) == Windows()


def test_a_path_that_nobody_used_for_an_hour_is_forgotten() -> None:
    counts = TrafficCounts()
    send(counts, 0)
    counts.find(KEY, at(3000))  # who looks does not use it
    assert counts.paths(at(3599)) == [KEY]
    assert counts.paths(at(3601)) == []
    assert len(counts) == 0


def test_what_is_new_is_told_once() -> None:
    counts = TrafficCounts()
    send(counts, 0)
    send(counts, 1)
    assert counts.take_new() == {KEY: Tally(messages=2, delivered=2, busy_ms=400)}
    assert counts.take_new() == {}


def test_a_clock_that_is_set_back_by_a_day_begins_anew_and_by_a_little_goes_on() -> None:
    counts = TrafficCounts()
    send(counts, 86_400)
    send(counts, 86_390, took_ms=-10_000)
    assert windows(counts, 86_390).minute == Tally(messages=2, delivered=2, busy_ms=200)
    send(counts, 0)
    assert windows(counts, 1).minute.delivered == 1
    assert windows(counts, 1).hour.delivered == 1


@given(st.lists(st.integers(0, 2 * HOUR_MS // 1000), min_size=1, max_size=60))
def test_a_window_has_what_happened_in_it_to_within_a_slot(seconds: list[int]) -> None:
    """TC1."""
    seconds.sort()
    counts = TrafficCounts()
    for each in seconds:
        send(counts, each)
    end = seconds[-1]
    found = windows(counts, end)
    for span, slot, tally in (
        (60, 5, found.minute),
        (600, 120, found.ten_minutes),
        (3600, 120, found.hour),
    ):
        least = sum(each > end - span + slot for each in seconds)
        most = sum(each > end - span - slot for each in seconds)
        assert least <= tally.delivered <= most

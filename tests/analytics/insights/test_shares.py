"""Shares are told apart only where days of one sender differ less than that among each other."""

import math
import random

import pytest

from angarium.analytics.insights.shares import Share, compare, compare_numbers, holm, two_tails
from angarium.analytics.insights.since import change_point

# From tables of Student's distribution: 5 % on both sides together
QUANTILES = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 10: 2.228, 27: 2.052}


def share(part: int, whole: int) -> Share:
    return Share(part=part, whole=whole)


@pytest.mark.parametrize("freedom", sorted(QUANTILES))
def test_tails_are_those_of_the_tables(freedom: int) -> None:
    assert two_tails(QUANTILES[freedom], freedom) == pytest.approx(0.05, abs=2e-4)
    assert two_tails(-QUANTILES[freedom], freedom) == pytest.approx(0.05, abs=2e-4)


def test_tails_of_nothing_are_everything_and_far_out_there_is_nothing() -> None:
    assert two_tails(0.0, 7) == pytest.approx(1.0)
    assert two_tails(1e9, 27) == pytest.approx(0.0, abs=1e-12)


def test_a_share_that_trebled_differs_from_steady_windows() -> None:
    found = compare([share(20, 1000)] * 7, share(60, 1000))
    assert found is not None
    assert found.before == share(140, 7000)
    assert found.spread == 1.0
    assert found.probability < 0.001


def test_the_same_share_is_no_news_where_windows_differ_as_much_themselves() -> None:
    steady = compare([share(20, 1000)] * 8, share(60, 1000))
    wild = compare([share(0, 1000), share(40, 1000)] * 4, share(60, 1000))
    assert steady is not None
    assert wild is not None
    assert wild.before.value == steady.before.value
    assert wild.spread > 10
    assert wild.probability > 0.1 > steady.probability


def test_nothing_is_said_where_there_is_too_little_to_tell_by() -> None:
    assert compare([share(1, 10)] * 2, share(5, 10)) is None
    assert compare([share(1, 10), share(1, 10), share(0, 0)], share(5, 10)) is None
    assert compare([share(1, 10)] * 5, share(0, 0)) is None
    assert compare([share(0, 10)] * 5, share(0, 10)) is None
    assert compare_numbers([100, 100], 5) is None
    assert compare_numbers([0, 0, 0], 5) is None


def test_of_steady_mail_one_test_in_twenty_is_under_five_percent() -> None:
    chance = random.Random(14)
    below = 0
    for _ in range(600):
        windows = [share(_drawn(chance, 400, 0.05), 400) for _ in range(9)]
        found = compare(windows[:8], windows[8])
        assert found is not None
        below += found.probability < 0.05
    # The spread is never taken for less than chance's: rather fewer than that
    assert 0.005 < below / 600 < 0.06


def test_volume_that_vanished_differs_and_a_weekend_among_weekends_does_not() -> None:
    gone = compare_numbers([1000, 1010, 990, 1005, 995, 1000, 1000], 100)
    weekend = compare_numbers([1000, 1000, 1000, 1000, 1000, 120, 110], 100)
    assert gone is not None
    assert weekend is not None
    assert gone.probability < 1e-6
    assert weekend.probability > 0.05


def test_of_many_tests_only_what_many_tests_may_say_holds() -> None:
    assert holm([0.004, 0.5, 0.6], 0.01) == [False, False, False]
    assert holm([0.003, 0.5, 0.6], 0.01) == [True, False, False]
    assert holm([0.6, 0.004, 0.001], 0.01) == [False, True, True]
    assert holm([], 0.01) == []


def test_the_cut_is_where_the_share_changed() -> None:
    assert change_point([share(2, 100)] * 10 + [share(12, 100)] * 4) == 10
    # The hours in which there was no mail are the earlier side's
    series = [share(2, 100)] * 3 + [share(0, 0)] * 5 + [share(50, 100)]
    assert change_point(series) == 3
    assert change_point([share(2, 100)] * 10) is None
    assert change_point([]) is None


def test_the_cut_of_noisy_hours_is_found_within_an_hour() -> None:
    chance = random.Random(7)
    for _ in range(50):
        at = chance.randrange(6, 18)
        series = [
            share(_drawn(chance, 500, 0.02 if hour < at else 0.08), 500) for hour in range(24)
        ]
        found = change_point(series)
        assert found is not None
        assert math.fabs(found - at) <= 1


def _drawn(chance: random.Random, number: int, share: float) -> int:
    return sum(chance.random() < share for _ in range(number))

"""Mirrors angarium/alarms/statistics.py: what few numbers are sure to mean."""

import random

import pytest

from angarium.alarms.statistics import (
    drop,
    quantile,
    seconds_left,
    sure_quantile,
    wilson,
)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        # Of the published tables of the interval (Newcombe 1998, method 3)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
    ids=["81-of-263", "15-of-148", "0-of-20", "1-of-29"],
)
def test_wilsons_interval_is_as_published(hits: int, total: int, low: float, high: float) -> None:
    found = wilson(hits, total)
    assert found == pytest.approx((low, high), abs=0.0001)


def test_of_nothing_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert quantile([1.0], [0, 0], 0.95) == 0.0
    assert sure_quantile([1.0], [0, 0], 0.95) == 0.0
    assert drop((0, 0), (5, 10)) == (0.0, 0.0)
    assert drop((5, 10), (0, 0)) == (0.0, 0.0)


def test_a_rate_at_its_level_is_rarely_taken_for_one_above_it() -> None:
    """Of 1,000 windows whose true share is exactly 5 %, the lower bound is above it in less than one of twenty."""
    chance = random.Random(1)
    beyond = 0
    for _ in range(1000):
        hits = sum(chance.random() < 0.05 for _ in range(300))
        beyond += wilson(hits, 300)[0] > 0.05
    assert 5 < beyond < 50


def test_one_of_two_is_no_half_and_sixty_of_a_thousand_are_not_yet_above_five() -> None:
    assert wilson(1, 2)[0] < 0.1
    assert wilson(60, 1000)[0] < 0.05 < wilson(70, 1000)[0]


def test_a_quantile_lies_where_prometheus_has_it() -> None:
    bounds = [0.1, 0.5, 1.0, 2.0, 5.0]
    assert quantile(bounds, [10, 40, 30, 15, 5, 0], 0.5) == pytest.approx(0.5)
    assert quantile(bounds, [10, 40, 30, 15, 5, 0], 0.95) == pytest.approx(2.0)
    assert quantile(bounds, [10, 40, 30, 15, 5, 0], 0.975) == pytest.approx(3.5)
    # beyond the last bound nothing is known but that
    assert quantile(bounds, [0, 0, 0, 0, 0, 10], 0.95) == 5.0


def test_with_few_values_a_quantile_is_sure_only_of_less() -> None:
    bounds = [1.0, 2.0, 4.0]
    few, many = [18, 0, 2], [18_000, 0, 2_000]
    assert quantile(bounds, few, 0.95) == quantile(bounds, many, 0.95) == pytest.approx(3.0)
    assert sure_quantile(bounds, few, 0.95) < 2 < sure_quantile(bounds, many, 0.95)


def test_a_fall_is_reckoned_from_what_was_and_sure_only_with_many() -> None:
    fallen, at_least = drop((900, 1000), (450, 1000))
    assert fallen == pytest.approx(0.5)
    assert 0.4 < at_least < 0.5
    assert drop((9, 10), (4, 10))[1] < 0.2
    assert drop((500, 1000), (900, 1000)) == (0.0, 0.0)


def test_free_space_that_shrinks_evenly_ends_when_the_line_says() -> None:
    points = [(float(t), 1000.0 - 2 * t) for t in range(0, 100, 10)]
    assert seconds_left(points, 100.0) == pytest.approx((1000 - 180 - 100) / 2)
    assert seconds_left([(0.0, 5.0), (1.0, 5.0)], 1.0) is None
    assert seconds_left([(0.0, 5.0), (1.0, 6.0)], 1.0) is None
    assert seconds_left([(0.0, 5.0)], 1.0) is None
    assert seconds_left([(0.0, 5.0), (1.0, 1.0)], 3.0) == 0.0

"""Mirrors angarium/analytics/latency.py and rates.py."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.analytics.counters import COUNTERS, Dimension
from angarium.analytics.latency import (
    Latency,
    bucket_ms,
    bucket_of,
    decode_histogram,
    encode_histogram,
    latency_of,
    merge_encoded,
    quantile_ms,
)
from angarium.analytics.rates import Rates, have_rates, rates_of

DAY_MS = 86_400_000


def histogram_of(times: list[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for each in times:
        found[bucket_of(each)] = found.get(bucket_of(each), 0) + 1
    return found


@given(st.lists(st.integers(0, 40 * DAY_MS), min_size=1), st.integers(1, 1000))
def test_a_quantile_is_within_a_sixteenth_of_the_exact_one(times: list[int], permille: int) -> None:
    found = quantile_ms(histogram_of(times), permille)
    exact = sorted(times)[-(-len(times) * permille // 1000) - 1]
    assert found is not None
    assert abs(found - exact) <= exact / 16


@given(st.integers(0, 2**33), st.integers(0, 2**33))
def test_spans_are_in_order_and_few(one: int, other: int) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other
    assert 0 <= bucket_of(one) < 240
    assert bucket_of(bucket_ms(bucket_of(one))) == bucket_of(one)


@given(st.lists(st.integers(0, DAY_MS)), st.lists(st.integers(0, DAY_MS)))
def test_histograms_add_up_to_that_of_all_in_the_same_octets(
    one: list[int], other: list[int]
) -> None:
    merged = merge_encoded(
        encode_histogram(histogram_of(one)), encode_histogram(histogram_of(other))
    )
    assert merged == encode_histogram(histogram_of([*other, *one]))
    assert decode_histogram(merged) == histogram_of([*one, *other])


def test_what_was_before_its_beginning_took_no_time_and_what_took_months_counts_as_49_days() -> (
    None
):
    assert bucket_of(-5) == bucket_of(0) == 0
    assert bucket_ms(bucket_of(400 * DAY_MS)) > 40 * DAY_MS


def test_of_nothing_there_are_no_quantiles() -> None:
    assert latency_of(None) is None
    assert latency_of({}) is None
    assert quantile_ms({}, 500) is None
    assert latency_of(histogram_of([3, 5, 9])) == Latency(count=3, p50_ms=5, p95_ms=9, p99_ms=9)


def counts(**those: int) -> dict[str, int]:
    return dict.fromkeys(COUNTERS, 0) | those


@pytest.mark.parametrize(
    ("those", "expected"),
    [
        ({}, {}),
        # 90 taken, two of which came back; 8 refused and 2 too late: 100 tried
        (
            {
                "accepted": 120,
                "delivered": 60,
                "sent": 30,
                "bounced": 10,
                "bounced_late": 2,
                "expired": 2,
                "deferred": 25,
                "suppressed": 20,
                "complained": 9,
                "opened": 500,
                "opened_human": 90,
                "opened_recipients": 45,
                "clicked_recipients": 18,
                "unsubscribed": 3,
            },
            {
                "delivery": 0.88,
                "deferral": 0.25,
                "bounce": 0.1,
                "complaint": 0.1,
                "open": 0.5,
                "click": 0.2,
                "unsubscribe": 0.033333,
            },
        ),
        # What SES tells is in ``sent`` already
        (
            {"sent": 10, "delivered": 8, "delivered_told": 8, "opened_recipients": 5},
            {"delivery": 1.0, "open": 0.5},
        ),
        # Opened today, delivered yesterday
        ({"opened_recipients": 5}, {}),
    ],
    ids=["nothing", "all of it", "told by SES", "of earlier mail"],
)
def test_each_rate_has_its_denominator(those: dict[str, int], expected: dict[str, Any]) -> None:
    found = rates_of(counts(**those))
    names = Rates.__struct_fields__
    shown = {name: getattr(found, name) for name in names if getattr(found, name)}
    assert shown == expected


def test_rows_of_classes_and_links_have_no_rates() -> None:
    assert have_rates([Dimension.PROVIDER, Dimension.SOURCE])
    assert have_rates([])
    assert not have_rates([Dimension.PROVIDER, Dimension.CLASS])
    assert not have_rates([Dimension.LINK])

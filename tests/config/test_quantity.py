"""Mirrors angarium/config/quantity.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.quantity import (
    Rate,
    duration_text,
    find_rate,
    parse_duration_ms,
    parse_octets,
    parse_rate,
    size_text,
)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        *[("90", 90_000), ("90s", 90_000), ("1h30m", 5_400_000), ("2d", 172_800_000)],
        *[(" 5M ", 300_000), ("500ms", 500), ("1m500ms", 60_500), ("0s", 0)],
    ],
)
def test_a_duration_is_read(text: str, milliseconds: int) -> None:
    assert parse_duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    "text", ["", "x", "-5", "5x", "1.5h", "h", "5 m", "1h-3m", "\u0663", "1" * 5000, "9" * 10]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration; write 90s, 15m"):
        parse_duration_ms(text)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        *[("64MB", 64_000_000), ("256MiB", 268_435_456), ("2gb", 2_000_000_000), ("1KiB", 1024)],
        *[("1kb", 1000), ("1500", 1500), (" 1GiB ", 1_073_741_824)],
    ],
)
def test_a_size_is_read(text: str, octets: int) -> None:
    assert parse_octets(text) == octets


@pytest.mark.parametrize("text", ["", "MB", "64M", "1.5MB", "-1", "64 MB", "1b", "9" * 16])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a size; write 64MB"):
        parse_octets(text)


@given(st.integers(0, 315_360_000_000))
def test_a_duration_that_is_written_is_read_back(milliseconds: int) -> None:
    assert parse_duration_ms(duration_text(milliseconds / 1000)) == milliseconds


@given(st.integers(0, 2**48))
def test_a_size_that_is_written_is_read_back(octets: int) -> None:
    assert parse_octets(size_text(octets)) == octets


def test_round_ones_are_written_short() -> None:
    assert [duration_text(each) for each in (432_000.0, 5400.0, 0.5)] == ["5d", "1h30m", "500ms"]
    assert [size_text(each) for each in (268_435_456, 2_000_000, 65_537)] == [
        "256MiB",
        "2MB",
        "65537",
    ]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/s", Rate(count=100, period_s=1, burst=10)),
        ("10/min", Rate(count=10, period_s=60, burst=1)),
        ("500/h", Rate(count=500, period_s=3600, burst=1)),
        (" 2000/D  burst 50", Rate(count=2000, period_s=86_400, burst=50)),
        ("6000/min", Rate(count=6000, period_s=60, burst=10)),
    ],
)
def test_a_rate_is_read(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "100", "100/", "0/s", "-1/s", "1/m", "1/s burst 0", "1.5/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a rate; write 100/s.*, or unlimited"):
        find_rate(text)


def test_a_burst_that_is_written_wins_over_the_usual_one() -> None:
    assert parse_rate("100/min", at_once=7).burst == 7
    assert parse_rate("100/min burst 2", at_once=7).burst == 2
    assert find_rate("Unlimited") is None


@given(st.integers(1, 9_999_999), st.sampled_from(["s", "min", "h", "d"]))
def test_no_more_than_a_rates_count_of_intervals_fit_its_period(count: int, unit: str) -> None:
    rate = parse_rate(f"{count}/{unit}")
    assert rate.interval_us * rate.count >= rate.period_s * 1_000_000

"""Mirrors angarium/config/quantity.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.quantity import duration_text, parse_duration_ms, parse_octets, size_text


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

"""Mirrors angarium/cli/duration.py."""

import click
import pytest

from angarium.cli.duration import Duration, octets_text, span_text


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("90", 90_000), ("90s", 90_000), ("1h30m", 5_400_000), ("2d", 172_800_000), (" 5M ", 300_000)],
)
def test_a_duration_is_read(text: str, milliseconds: int) -> None:
    assert Duration().convert(text, None, None) == milliseconds


@pytest.mark.parametrize("text", ["", "x", "-5", "5x", "1.5h", "h", "5 m", "1h-3m", "٣"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (-5, "0 ms"),
        (40, "40 ms"),
        (12_000, "12 s"),
        (302_000, "5 min 2 s"),
        (3_600_000, "1 h"),
        (3_605_000, "1 h"),
        (90_061_000, "1 d 1 h"),
    ],
)
def test_a_span_is_written_in_its_two_largest_units(milliseconds: int, text: str) -> None:
    assert span_text(milliseconds) == text


def test_octets_are_written_for_people() -> None:
    assert [octets_text(n) for n in (1, 999, 20_000, 1_200_000)] == [
        *("1 octets", "999 octets", "20.0 KB", "1.2 MB")
    ]

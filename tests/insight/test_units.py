"""Mirrors angarium/insight/units.py."""

import pytest

from angarium.insight.units import octets_text, span_text


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

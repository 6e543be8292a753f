"""Mirrors angarium/cli/duration.py."""

import click
import pytest

from angarium.cli.duration import Duration


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

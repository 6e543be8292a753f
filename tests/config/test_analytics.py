"""Mirrors angarium/config/analytics_check.py."""

from pathlib import Path

import pytest

from tests.config.test_standing import problems


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("keep_days = 1", "keep_minutes_days", "kept longer than hours (keep_days, 1); lower it"),
        ("keep_days = 2000", "keep_daily_days", "shorter than hours (keep_days, 2000); raise it"),
        ("keep_daily_days = 89", "keep_daily_days", "shorter than hours (keep_days, 90)"),
    ],
)
def test_coarser_counters_are_kept_at_least_as_long(
    tmp_path: Path, text: str, key: str, words: str
) -> None:
    (told,) = problems(tmp_path, f"[analytics]\n{text}\n")
    assert key in told
    assert words in told

"""Mirrors angarium/api/compat/moments.py."""

import pytest

from angarium.api.compat.moments import read_moment, read_unix_seconds
from angarium.intake.order import FaultError
from angarium.queue.model import UnixMs

NOW = UnixMs(1_800_000_000_000)
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01 00:00:00.123456+00:00", 123),
        ("1970-01-01T00:00:00.5z", 500),
        ("1970-01-01t01:00-0030", HOUR + HOUR // 2),
        ("1970-01-02T00:00:00+00", 24 * HOUR),
        ("in 1 min", NOW + 60_000),
        ("in 5 minutes", NOW + 300_000),
        ("In 2 Hours", NOW + 2 * HOUR),
        ("in 30s", NOW + 30_000),
        ("in an hour", NOW + HOUR),
        ("in a day", NOW + 24 * HOUR),
        ("in 2 weeks", NOW + 14 * 24 * HOUR),
        ("in 999999 weeks", 253_402_300_799_000),
    ],
)
def test_a_moment_is_read(text: str, moment: int) -> None:
    assert read_moment(text, "scheduled_at", NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("tomorrow at 9am", "soon", "in 5 parsecs", "in minutes", "in -5 minutes", "5 minutes"),
        *("2030-01-01", "2030-01-01T00:00:00", "2030-13-01T00:00:00Z", "2030-01-01T25:00:00Z"),
        *("0001-01-01T00:00:00+23:00", "2030-01-01T00:00:00+99:00", "1800000000", "in 5\nminutes"),
    ],
)
def test_what_would_be_guessed_is_refused(text: str) -> None:
    with pytest.raises(FaultError) as caught:
        read_moment(text, "scheduled_at", NOW)
    assert caught.value.fault.field == "scheduled_at"


def test_seconds_since_1970() -> None:
    assert read_unix_seconds(1_900_000_000, "send_at") == 1_900_000_000_000
    for wrong in (-1, 10**15):
        with pytest.raises(FaultError, match="send_at"):
            read_unix_seconds(wrong, "send_at")

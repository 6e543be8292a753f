"""Mirrors angarium/reputation/health.py."""

import pytest

from angarium.reputation.health import Counts, Health, find_health


@pytest.mark.parametrize(
    ("counts", "health"),
    [
        (Counts(), Health.WELL),
        (Counts(delivered=9, deferred=10), Health.WELL),  # too few to say anything
        (Counts(delivered=100, deferred=10), Health.WELL),
        (Counts(delivered=90, deferred=10), Health.SICK),
        (Counts(delivered=75, deferred=25), Health.BAD),
        (Counts(delivered=971, bounced=29), Health.WELL),
        (Counts(delivered=970, bounced=30), Health.SICK),
        (Counts(delivered=900, bounced=100), Health.BAD),
        (Counts(delivered=100, complained=1), Health.WELL),  # one person
        (Counts(delivered=2000, complained=2), Health.SICK),
        (Counts(delivered=600, complained=2), Health.BAD),
        (Counts(complained=2), Health.BAD),  # about mail of days before
    ],
)
def test_rates_are_judged(counts: Counts, health: Health) -> None:
    assert find_health(counts).health is health


def test_the_worst_of_it_is_named() -> None:
    found = find_health(Counts(delivered=60, deferred=15, bounced=25))
    assert found.text == "25.0% bounced (25 of 100)" or found.text == "15.0% deferred (15 of 100)"
    assert found.health is Health.BAD
    assert find_health(Counts(delivered=100)).text == ""


def test_complaints_are_weighed_against_the_mail_of_the_day_before_too() -> None:
    assert find_health(Counts(delivered=100, complained=2)).health is Health.BAD
    assert find_health(Counts(delivered=100, complained=2, before=9_900)).health is Health.WELL
    found = find_health(Counts(delivered=100, complained=30, before=9_900))
    assert (found.health, found.text) == (Health.BAD, "0.3% complained of (30 of 10000)")

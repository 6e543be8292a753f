"""Mirrors angarium/webhooks/retry.py."""

import pytest

from angarium.queue.model import UnixMs
from angarium.webhooks.delivery import Health
from angarium.webhooks.retry import (
    DISABLE_AFTER_MS,
    DISABLE_FAILURES,
    MAX_ATTEMPTS,
    has_failed_too_long,
    health_after,
    next_attempt,
)

NOW = UnixMs(1_800_000_000_000)


def test_the_schedule_is_the_public_one() -> None:
    waits = [(next_attempt(n, NOW) or NOW) - NOW for n in range(1, MAX_ATTEMPTS)]
    minutes = [60, 300, 1800]
    assert waits == [1000 * each for each in (1, 2, 4, 8, 16, *minutes, 7200, 18_000, 36_000)]
    assert next_attempt(MAX_ATTEMPTS, NOW) is None


@pytest.mark.parametrize(("asked", "waits"), [(0, 4), (3, 4), (120, 120), (1e9, 3600)])
def test_an_endpoint_may_ask_for_more_time_but_not_for_ever(asked: float, waits: int) -> None:
    assert next_attempt(3, NOW, asked) == NOW + waits * 1000


def test_an_endpoint_that_fails_for_a_day_has_failed_too_long() -> None:
    health = Health()
    for hour in range(DISABLE_FAILURES):
        health = health_after(health, UnixMs(NOW + hour), is_success=False)
    assert health.failing_since == NOW
    assert not has_failed_too_long(health, UnixMs(NOW + DISABLE_AFTER_MS - 1))
    assert has_failed_too_long(health, UnixMs(NOW + DISABLE_AFTER_MS))
    well = health_after(health, UnixMs(NOW + 5), is_success=True)
    assert well == Health(last_success=NOW + 5)
    assert not has_failed_too_long(well, UnixMs(NOW + 2 * DISABLE_AFTER_MS))


def test_two_failures_a_day_apart_are_no_failing_endpoint() -> None:
    health = health_after(Health(), NOW, is_success=False)
    health = health_after(health, UnixMs(NOW + DISABLE_AFTER_MS), is_success=False)
    assert not has_failed_too_long(health, UnixMs(NOW + DISABLE_AFTER_MS))

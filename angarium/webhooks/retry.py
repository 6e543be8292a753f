"""When an endpoint that failed is tried again, and when it is given up. Pure."""

from typing import Final

from angarium.queue.model import UnixMs
from angarium.webhooks.delivery import Health

_MINUTE: Final = 60
_HOUR: Final = 3600
# Behind each failed attempt, in seconds: what is public is kept exactly
SCHEDULE_S: Final = (
    *(1, 2, 4, 8, 16),
    *(1 * _MINUTE, 5 * _MINUTE, 30 * _MINUTE),
    *(2 * _HOUR, 5 * _HOUR, 10 * _HOUR),
)
MAX_ATTEMPTS: Final = len(SCHEDULE_S) + 1
# Ours: an endpoint may ask for more time than the schedule has, not for ever
MAX_RETRY_AFTER_S: Final = 1 * _HOUR
DISABLE_AFTER_MS: Final = 24 * _HOUR * 1000
# Ours: one failed request a day apart is no failing endpoint
DISABLE_FAILURES: Final = 10
GONE: Final = 410  # HTTP: it says itself that it wants nothing more


def next_attempt(attempts: int, now: UnixMs, asked_s: float = 0.0) -> UnixMs | None:
    """Return when to try again after ``attempts`` failed ones; None: never. ``asked_s``: of a Retry-After."""
    if attempts > len(SCHEDULE_S):
        return None
    wait_s = max(float(SCHEDULE_S[attempts - 1]), min(asked_s, MAX_RETRY_AFTER_S))
    return UnixMs(now + int(wait_s * 1000))


def health_after(before: Health, now: UnixMs, *, is_success: bool) -> Health:
    if is_success:
        return Health(last_success=now)
    since = now if before.failing_since is None else before.failing_since
    return Health(
        failing_since=since, failures=before.failures + 1, last_success=before.last_success
    )


def has_failed_too_long(health: Health, now: UnixMs) -> bool:
    if health.failing_since is None or health.failures < DISABLE_FAILURES:
        return False
    return now - health.failing_since >= DISABLE_AFTER_MS

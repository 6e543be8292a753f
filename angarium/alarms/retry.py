"""When a notice that did not arrive is tried again, and when it is given up. Pure."""

from typing import Final

from angarium.queue.model import UnixMs

# Behind each failed attempt, in seconds; then every LATER_S
SCHEDULE_S: Final = (1, 2, 4, 8, 16, 60, 300, 900)
LATER_S: Final = 1800
# Ours: what nobody could be told for a day is told of by the log only
GIVEN_UP_MS: Final = 86_400_000
# Ours: who is told may ask for more time, not for ever
MAX_ASKED_S: Final = 3600.0


def next_attempt(attempts: int, first: UnixMs, now: UnixMs, asked_s: float = 0.0) -> UnixMs | None:
    """Return when to try again after ``attempts`` failed ones; None: never. ``asked_s``: of a Retry-After."""
    if now - first >= GIVEN_UP_MS:
        return None
    wait_s = SCHEDULE_S[attempts - 1] if attempts <= len(SCHEDULE_S) else LATER_S
    return UnixMs(now + round(max(wait_s, min(asked_s, MAX_ASKED_S)) * 1000))

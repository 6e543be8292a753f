"""When a recipient is tried again, and when its sender hears of the delay. Pure: time and chance are arguments."""

from collections.abc import Sequence
from typing import Final

from angarium.config.schema import Delivery
from angarium.queue.model import UnixMs

# Who meets a site that is left alone waits for it: a minute, and a tenth of it. Ours: some more, it is only a bound.
SITE_LEFT_ALONE_MS: Final = 120_000


class RetrySchedule:
    """Invariant RS1: never early: the delay of the schedule, less its jitter, lies between two attempts. Only the
    last one, made at ``expires``, may come sooner: after the shortest delay.

    Invariant RS2: never after ``expires``.
    """

    def __init__(self, delivery: Delivery) -> None:
        self.exchange(delivery)

    def exchange(self, delivery: Delivery) -> None:
        """Go by these delays from now on; what is due already stays so."""
        self._usual = delivery.retry_s
        self._greylisted = (*delivery.greylist_retry_s, *delivery.retry_s)
        self._jitter = delivery.retry_jitter
        self._delay_dsn_after_ms = round(delivery.delay_dsn_after_s * 1000)

    def next_due(
        self,
        *,
        now: UnixMs,
        attempts: int,
        expires: UnixMs,
        greylisted: bool,
        random: float,
        own: Sequence[float] = (),
    ) -> UnixMs | None:
        """Return when to try again; None: there is no time left, the recipient expires.

        ``attempts`` were made, the one that failed just now included. ``random`` is in [0, 1). ``own``: delays that
        a rule has for this failure, if any.
        """
        delays = own or (self._greylisted if greylisted else self._usual)
        delay_ms = delays[min(max(attempts, 1), len(delays)) - 1] * 1000
        due = now + round(delay_ms * (1 + self._jitter * (2 * random - 1)))
        if due <= expires:
            return UnixMs(due)
        # Rather one more attempt at the very end than giving up hours before it.
        soonest = now + round(min(delays) * 1000 * (1 - self._jitter))
        return expires if soonest <= expires else None  # RS1, RS2

    def attempts_by_age(self, age_ms: int) -> int:
        """Return how many attempts the schedule would have made by now, the first one included.

        By it waits who is not attempted, and so has no count to go by: as long as if it had been.
        """
        made, passed_ms = 1, 0.0
        for delay in self._usual:
            passed_ms += delay * 1000
            if passed_ms > age_ms:
                break
            made += 1
        return made

    def latest_due(
        self, *, now: UnixMs, accepted: UnixMs, attempts: int, was_tried: bool
    ) -> UnixMs:
        """Return when a recipient that waits has to be due at the latest, by a clock that was always right.

        ``accepted`` may be ahead of ``now``: then it was not.
        """
        if not was_tried and not attempts:
            return now
        made = max(attempts, self.attempts_by_age(now - accepted))
        usual, greylisted = (
            delays[min(made, len(delays)) - 1] for delays in (self._usual, self._greylisted)
        )
        delay_ms = max(usual, greylisted) * 1000 * (1 + self._jitter)
        return UnixMs(now + round(max(delay_ms, SITE_LEFT_ALONE_MS)))

    def delay_dsn_is_due(self, *, now: UnixMs, accepted: UnixMs, sent: bool) -> bool:
        """Whether the sender ought to hear by now that the message waits (RFC 3461 section 5.2.5), once."""
        if sent or not self._delay_dsn_after_ms:
            return False
        return now - accepted >= self._delay_dsn_after_ms

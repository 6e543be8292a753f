"""Rates as the generic cell rate algorithm has them: one number per key, the time at which all taken is paid for. Pure.

Start with ``RateTable``. It knows nothing of what is counted, nor of where a rate is written.
"""

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

from angarium.config.quantity import Rate

K = TypeVar("K", bound=Hashable)
# Ours: some megabytes. Those that are as good as new are swept when it is full
KEYS: Final = 20_000
# Until a full table is swept again
FULL_MS: Final = 1_000


class _Bucket:
    __slots__ = ("paid_us", "rate")

    def __init__(self, rate: Rate, paid_us: int) -> None:
        self.rate = rate
        # By then all that was taken is paid for; in the past: as good as new
        self.paid_us = paid_us


class RateTable(Generic[K]):
    """In memory, of one process. A process that begins anew gives each key its burst again.

    Invariant GC1: of what ``wait_ms`` allowed, at most ``burst + t / interval`` are taken within any time t.
    Invariant GC2: a clock that steps back gives nothing, and keeps nobody waiting longer than before.
    Invariant GC3: at most ``limit`` keys are remembered; with so many busy ones, new ones wait.
    """

    def __init__(self, limit: int = KEYS) -> None:
        self._limit = limit
        self._buckets: dict[K, _Bucket] = {}
        self._last = 0  # the newest time that was heard
        self._ahead = 0  # ms by which the clock has stepped back since the start
        self._swept_us = -FULL_MS * 1000

    def __len__(self) -> int:
        return len(self._buckets)

    def wait_ms(self, key: K, rate: Rate, now: int) -> int:
        """Return for how many milliseconds one more has to wait; 0: it may go. ``now``: Unix milliseconds."""
        now_us = self._steady_us(now)
        bucket = self._buckets.get(key)
        if bucket is None:
            return 0 if self._has_room(now_us) else FULL_MS
        self._follow(bucket, rate, now_us)
        allowed_us = bucket.paid_us - (rate.burst - 1) * rate.interval_us
        return max(0, -((now_us - allowed_us) // 1000))  # GC1: rounded up

    def spare(self, key: K, rate: Rate, now: int) -> tuple[int, int]:
        """Return how many may go at once, and the milliseconds until it is the whole burst again."""
        now_us = self._steady_us(now)
        bucket = self._buckets.get(key)
        if bucket is None or bucket.paid_us <= now_us:
            return rate.burst, 0
        owed_us = bucket.paid_us - now_us
        return max(0, rate.burst + -owed_us // rate.interval_us), -(-owed_us // 1000)

    def take(self, key: K, rate: Rate, now: int) -> None:
        """Count one, also one that was not allowed: then the next ones wait for it too."""
        now_us = self._steady_us(now)
        bucket = self._buckets.get(key)
        if bucket is None:
            if not self._has_room(now_us):
                return  # GC3: only what nobody asked for comes here
            bucket = self._buckets[key] = _Bucket(rate, now_us)
        self._follow(bucket, rate, now_us)
        bucket.paid_us = max(bucket.paid_us, now_us) + rate.interval_us

    def _steady_us(self, now: int) -> int:
        if now < self._last:
            self._ahead += self._last - now  # GC2
        self._last = now
        return (now + self._ahead) * 1000

    def _follow(self, bucket: _Bucket, rate: Rate, now_us: int) -> None:
        """Under a changed rate nothing is owed beyond that rate's own burst."""
        if bucket.rate != rate:
            bucket.rate = rate
            bucket.paid_us = min(bucket.paid_us, now_us + rate.burst * rate.interval_us)

    def _has_room(self, now_us: int) -> bool:
        if len(self._buckets) < self._limit:
            return True
        if now_us - self._swept_us >= FULL_MS * 1000:
            self._swept_us = now_us
            for key in [key for key, each in self._buckets.items() if each.paid_us <= now_us]:
                del self._buckets[key]
        return len(self._buckets) < self._limit

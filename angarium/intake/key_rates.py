"""Refuses, for now, what comes faster than its key allows (P6). Pure: the time is asked of an argument."""

from collections.abc import Callable

from angarium.config.quantity import Rate
from angarium.queue.model import UnixMs
from angarium.reputation.gcra import RateTable
from angarium.smtp.refusal import Refusal


class KeyRates:
    """In memory, of one process: each of several lets a key have its rate."""

    def __init__(self, find_rate: Callable[[str], int | None], clock: Callable[[], UnixMs]) -> None:
        """``find_rate``: messages per second of a key; None: who sends has no key."""
        self._find_rate = find_rate
        self._clock = clock
        self._table: RateTable[str] = RateTable()

    def find_refusal(self, key_id: str) -> Refusal | None:
        """Count a message; or return the reply that puts it off."""
        per_second = self._find_rate(key_id)
        if per_second is None:
            return None
        rate = Rate(count=per_second, period_s=1, burst=per_second)
        now = self._clock()
        if self._table.wait_ms(key_id, rate, now):
            text = f"Over the rate of this key, {per_second} messages per second; try again"
            return Refusal(451, "4.7.1", text)
        self._table.take(key_id, rate, now)
        return None

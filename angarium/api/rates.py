"""How often keys and tenants may ask: counted in memory, of one process."""

from angarium.api.access import Allowance
from angarium.config.quantity import Rate
from angarium.queue.model import UnixMs
from angarium.reputation.gcra import RateTable


class LocalRates:
    """Satisfies ``access.Rates``. A second's requests may come at once."""

    def __init__(self) -> None:
        self._table: RateTable[str] = RateTable()

    def take(self, name: str, per_second: int, now: UnixMs) -> Allowance:
        rate = Rate(count=per_second, period_s=1, burst=per_second)
        wait_ms = self._table.wait_ms(name, rate, now)
        if not wait_ms:
            self._table.take(name, rate, now)
        remaining, reset_ms = self._table.spare(name, rate, now)
        return Allowance(limit=per_second, remaining=remaining, reset_ms=reset_ms, wait_ms=wait_ms)

"""Refuses, for now, what comes faster than its key or its tenant may send (P6). Pure: it is told the time."""

from collections.abc import Callable

from angarium.access.allowance import Rates
from angarium.queue.model import UnixMs
from angarium.smtp.refusal import Refusal


class KeyRates:
    def __init__(
        self,
        rates: Rates,
        find_rate: Callable[[str], int | None],
        tenant_rate: Callable[[str], int],
        clock: Callable[[], UnixMs],
    ) -> None:
        """``find_rate``: messages per second of a key; None: who sends has no key, and no rate. ``tenant_rate``: of
        all keys of a tenant."""
        self._rates = rates
        self._find_rate = find_rate
        self._tenant_rate = tenant_rate
        self._clock = clock

    def knows(self, key_id: str) -> bool:
        """Whether who sends has a key, and is no user of the file."""
        return self._find_rate(key_id) is not None

    def find_refusal(self, key_id: str, tenant: str) -> Refusal | None:
        """Count a message; or return the reply that puts it off."""
        per_second = self._find_rate(key_id)
        if per_second is None:
            return None
        now = self._clock()
        if self._rates.take(f"key:{key_id}", per_second, now).wait_ms:
            return _over("key", per_second)
        of_tenant = self._tenant_rate(tenant)
        if self._rates.take(f"tenant:{tenant}", of_tenant, now).wait_ms:
            return _over("tenant", of_tenant)
        return None


def _over(whose: str, per_second: int) -> Refusal:
    text = f"Over the rate of this {whose}, {per_second} messages per second; try again"
    return Refusal(451, "4.7.1", text)

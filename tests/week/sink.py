"""What arrives, counted against every limit as it was written: by who receives, not by who sends."""

from collections import Counter
from typing import Final

from angarium.config.quantity import Rate, find_rate
from angarium.config.schema import Provider
from angarium.reputation.warmup import HOUR_MS

# Of a rate: a time is written in whole milliseconds, at both ends
ROUNDING_MS: Final = 2


class Bucket:
    """A rate as its definition has it: so many within any time, and a burst beside them."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.level = 0.0
        self.at = 0.0
        self.fullest = 0.0

    def count(self, now_ms: float) -> bool:
        """Count one; False: it was one too many. Between its go and its first octet each takes a moment of its own, so
        they come a little less evenly than they were let go: never by a whole one.
        """
        leaked = (now_ms - self.at + ROUNDING_MS) * self.rate.count / (self.rate.period_s * 1000)
        self.level = max(0.0, self.level - leaked) + 1
        self.at = now_ms
        self.fullest = max(self.fullest, self.level)
        return self.level < self.rate.burst + 1


class Sink:
    """Of one provider. What exceeds a limit is a sentence in ``excesses``."""

    def __init__(self, configured: Provider, excesses: list[str]) -> None:
        self.configured = configured
        self.excesses = excesses
        self.open: Counter[str] = Counter()  # connections, by source
        self.most_open: Counter[str] = Counter()
        self.in_transfer: Counter[str] = Counter()  # transactions, by tenant
        self.most_transfers = 0  # over one connection
        self.recipients: Counter[tuple[str, int]] = Counter()  # by source and hour of the clock
        # Source and time of each transaction that began; of each connection also how many are open then
        self.transactions: list[tuple[str, float]] = []
        self.connected: list[tuple[str, float, int]] = []
        self._messages: dict[str, Bucket] = {}
        self._connections: dict[str, Bucket] = {}
        self._tenants: dict[str, Bucket] = {}

    def restarted(self) -> None:
        """Another process sends now: each rate gives it its burst."""
        self._messages.clear()
        self._connections.clear()
        self._tenants.clear()
        self.in_transfer.clear()

    def connection_begins(self, source: str, now_ms: float) -> None:
        limits = self.configured
        self.open[source] += 1
        self.connected.append((source, now_ms, self.open[source]))
        self.most_open[source] = max(self.most_open[source], self.open[source])
        if self.open[source] > limits.connections:
            self._exceeds(source, now_ms, f"{self.open[source]} connections at once")
        rate = find_rate(limits.connection_rate, limits.connections)
        if rate is not None:
            bucket = self._connections.setdefault(source, Bucket(rate))
            if not bucket.count(now_ms):
                self._exceeds(source, now_ms, f"more connections than {limits.connection_rate}")

    def connection_ends(self, source: str) -> None:
        self.open[source] -= 1

    def transaction_begins(
        self, source: str, *, tenant: str, transfers: int, recipients: int, now_ms: float, hour: int
    ) -> None:
        """``transfers`` over its connection, this one too. ``hour``: by the sender's clock, as a plan is written."""
        limits = self.configured
        self.transactions.append((source, now_ms))
        self.recipients[source, hour] += recipients
        self.most_transfers = max(self.most_transfers, transfers)
        if transfers > limits.messages_per_connection:
            self._exceeds(source, now_ms, f"{transfers} messages over a connection")
        if recipients > limits.recipients_per_message:
            self._exceeds(source, now_ms, f"{recipients} recipients of a message")
        rate = find_rate(limits.message_rate)
        if rate is not None:
            bucket = self._messages.setdefault(source, Bucket(rate))
            if not bucket.count(now_ms):
                self._exceeds(source, now_ms, f"more messages than {limits.message_rate}")

        self._of_tenant(source, tenant, now_ms)

    def _of_tenant(self, source: str, tenant: str, now_ms: float) -> None:
        limits = self.configured
        self.in_transfer[tenant] += 1
        at_once = self.in_transfer[tenant]
        if limits.tenant_connections is not None and at_once > limits.tenant_connections:
            self._exceeds(source, now_ms, f"{at_once} messages of {tenant} at once")
        rate = find_rate(limits.tenant_message_rate)
        if rate is not None:
            bucket = self._tenants.setdefault(tenant, Bucket(rate))
            if not bucket.count(now_ms):
                text = f"more messages of {tenant} than {limits.tenant_message_rate}"
                self._exceeds(source, now_ms, text)

    def transaction_ends(self, tenant: str) -> None:
        self.in_transfer[tenant] -= 1

    def _exceeds(self, source: str, now_ms: float, what: str) -> None:
        self.excesses.append(
            f"{now_ms / HOUR_MS:.3f} h: {source} at {self.configured.name}: {what}"
        )

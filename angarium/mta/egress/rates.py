"""Rates of the configuration: messages per source and per tenant, new connections per source, at each provider. Pure.

``MessageRate`` and ``TenantRate`` are gates of ``shaping``. They know nothing of what waits.
"""

from collections.abc import Sequence

from angarium.config.quantity import Rate, find_rate
from angarium.config.schema import Provider
from angarium.mta.egress.policy import Limits, Traffic, Wait
from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Outcome
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.model import UnixMs
from angarium.reputation.gcra import KEYS, RateTable
from angarium.routing.resolution import Site

Key = tuple[str, str]  # source, or tenant, and provider


class _Counter:
    """A table of rates, and who took last of each key: sites of a provider take turns.

    Who took last waits a little longer than the others, who are asked in the order in which they began to wait: else
    the same one would be the first to ask each time.
    """

    def __init__(self) -> None:
        self._table: RateTable[Key] = RateTable()
        self._last: dict[Key, str] = {}

    def find_end(self, key: Key, rate: Rate, taker: str, now: UnixMs) -> UnixMs | None:
        """Return until when it has to wait; None: it may take one."""
        ms = self._table.wait_ms(key, rate, now)
        if not ms:
            return None
        return UnixMs(now + ms + (self._last.get(key) == taker))

    def take(self, key: Key, rate: Rate, taker: str, now: UnixMs) -> None:
        self._table.take(key, rate, now)
        if key not in self._last and len(self._last) >= KEYS:
            self._last.clear()
        self._last[key] = taker


class _RateGate:
    """What the gates of rates have in common: they hear nothing and narrow nothing."""

    def __init__(self) -> None:
        self._counter = _Counter()

    def limits(self, path: EgressPath, provider: Provider, limits: Limits) -> Limits:
        return limits

    def told(
        self, path: EgressPath, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> None:
        return None


class MessageRate(_RateGate):
    """``message_rate``: transactions begun, by source and provider."""

    def find_wait(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Wait | None:
        text = traffic.configured.message_rate
        rate = find_rate(text)
        if rate is None:
            return None
        key = (path.source, traffic.provider)
        end = self._counter.find_end(key, rate, traffic.site, now)
        if end is None:
            return None
        return Wait(end, f"the message_rate of {traffic.provider} is {text}")

    def take(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        rate = find_rate(traffic.configured.message_rate)
        if rate is not None:
            self._counter.take((path.source, traffic.provider), rate, traffic.site, now)


class TenantRate(_RateGate):
    """``tenant_message_rate``: transactions begun, by tenant and provider, over all sources."""

    def find_wait(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Wait | None:
        text = traffic.configured.tenant_message_rate
        rate = find_rate(text)
        if rate is None:
            return None
        key = (traffic.tenant, traffic.provider)
        end = self._counter.find_end(key, rate, traffic.site, now)
        if end is None:
            return None
        return Wait(end, f"the tenant_message_rate of {traffic.provider} is {text}")

    def take(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        rate = find_rate(traffic.configured.tenant_message_rate)
        if rate is not None:
            self._counter.take((traffic.tenant, traffic.provider), rate, traffic.site, now)


class ConnectionRate:
    """``connection_rate``: connections begun, by source and provider. Asked where they are opened; no gate of mail."""

    def __init__(self) -> None:
        self._counter = _Counter()

    def find_wait(self, path: EgressPath, site: Site, now: UnixMs) -> Wait | None:
        provider = site.provider
        rate = find_rate(provider.connection_rate, provider.connections)
        if rate is None:
            return None
        end = self._counter.find_end((path.source, provider.name), rate, site.name, now)
        if end is None:
            return None
        return Wait(end, f"the connection_rate of {provider.name} is {provider.connection_rate}")

    def take(self, path: EgressPath, site: Site, now: UnixMs) -> None:
        provider = site.provider
        rate = find_rate(provider.connection_rate, provider.connections)
        if rate is not None:
            self._counter.take((path.source, provider.name), rate, site.name, now)

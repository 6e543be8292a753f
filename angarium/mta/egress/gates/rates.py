"""Rates of the configuration: messages per source and per tenant, new connections per source, at each provider. Pure.

``MessageRate`` and ``TenantRate`` are gates of ``shaping``. They know nothing of what waits.
"""

from collections.abc import Sequence

from angarium.config.quantity import find_rate
from angarium.config.schema import Provider
from angarium.mta.egress.policy import Limits, Traffic, Wait
from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Outcome
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.model import UnixMs
from angarium.reputation.appointments import Appointments
from angarium.routing.resolution import Site

Key = tuple[str, str]  # source, or tenant, and provider
Line = tuple[str, str, str, str, str, bool]  # what waits together: site, and as in ``ready``


def line_of(traffic: Traffic) -> Line:
    return (
        *(traffic.site, traffic.tenant, traffic.stream, traffic.campaign),
        *(traffic.sender_domain, traffic.in_doubt),
    )


class _RateGate:
    """What the gates of rates have in common: they hear nothing and narrow nothing."""

    def __init__(self) -> None:
        self._rates: Appointments[Key, Line] = Appointments()

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
        end = self._rates.find_end(key, rate, line_of(traffic), now, books=not traffic.is_enquiry)
        if end is None:
            return None
        return Wait(
            UnixMs(end), f"the message_rate of {traffic.provider} is {text}", "message_rate"
        )

    def take(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        rate = find_rate(traffic.configured.message_rate)
        if rate is not None:
            self._rates.take((path.source, traffic.provider), rate, line_of(traffic), now)


class TenantRate(_RateGate):
    """``tenant_message_rate``: transactions begun, by tenant and provider, over all sources."""

    def find_wait(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Wait | None:
        text = traffic.configured.tenant_message_rate
        rate = find_rate(text)
        if rate is None:
            return None
        key = (traffic.tenant, traffic.provider)
        end = self._rates.find_end(key, rate, line_of(traffic), now, books=not traffic.is_enquiry)
        if end is None:
            return None
        return Wait(
            UnixMs(end),
            f"the tenant_message_rate of {traffic.provider} is {text}",
            "tenant_message_rate",
        )

    def take(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        rate = find_rate(traffic.configured.tenant_message_rate)
        if rate is not None:
            self._rates.take((traffic.tenant, traffic.provider), rate, line_of(traffic), now)


class ConnectionRate:
    """``connection_rate``: connections begun, by source and provider. Asked where they are opened; no gate of mail."""

    def __init__(self) -> None:
        self._rates: Appointments[Key, str] = Appointments()  # sites wait

    def find_wait(self, path: EgressPath, site: Site, now: UnixMs) -> Wait | None:
        provider = site.provider
        rate = find_rate(provider.connection_rate, provider.connections)
        if rate is None:
            return None
        end = self._rates.find_end((path.source, provider.name), rate, site.name, now)
        if end is None:
            return None
        return Wait(
            UnixMs(end),
            f"the connection_rate of {provider.name} is {provider.connection_rate}",
            "connection_rate",
        )

    def take(self, path: EgressPath, site: Site, now: UnixMs) -> None:
        provider = site.provider
        rate = find_rate(provider.connection_rate, provider.connections)
        if rate is not None:
            self._rates.take((path.source, provider.name), rate, site.name, now)

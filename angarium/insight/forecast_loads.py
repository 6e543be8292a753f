"""What a forecast reckons with, taken from what the running server says and from the configuration. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from angarium.config.quantity import Rate, find_rate
from angarium.config.schema import Provider
from angarium.insight.forecast import PathCapacity, ProviderLoad
from angarium.insight.traffic_table import ProviderRow, SourceRow
from angarium.mta.egress.narrowing import Narrowing
from angarium.queue import UnixMs

_NOBODY: Final[Mapping[str, Provider]] = {}


def load_of(
    row: ProviderRow,
    provider: Provider,
    sources: tuple[str, ...],
    helpers: Mapping[str, Provider] = _NOBODY,
) -> ProviderLoad:
    """``sources``: by which mail may leave, where none of it has a source yet. ``helpers``: by source, the smart host
    that sends what a warm-up does not allow it.
    """
    hour = row.windows.hour
    held = row.held or 0
    holds = [each for each in row.holds if each.suspends]
    paths = [_capacity(each, provider, holds) for each in row.sources]
    if not paths:
        paths = [_unused(each, provider) for each in sources]
    helping = {
        helpers[each.source].name: helpers[each.source]
        for each in paths
        if each.allowance is not None and each.source in helpers
    }
    paths += [_unused(name, limits) for name, limits in helping.items()]
    return ProviderLoad(
        provider=row.provider,
        queued=max((row.waiting if row.queued is None else row.queued) - held, 0),
        held=held,
        answered=hour.recipients,
        deferred=hour.deferred,
        paths=tuple(paths),
    )


def _capacity(row: SourceRow, provider: Provider, holds: Sequence[Narrowing]) -> PathCapacity:
    hour = row.windows.hour
    connections, transfers = provider.connections, provider.messages_per_connection
    if row.limits is not None:
        connections, transfers = row.limits.connections, row.limits.transfers
    suspending = [*holds, *(each for each in row.in_force if each.suspends)]
    return PathCapacity(
        source=row.source,
        connections=connections,
        transfers=transfers,
        transaction_ms=hour.busy_ms / hour.messages if hour.messages else None,
        recipients_per_message=max(1.0, hour.recipients / hour.messages) if hour.messages else 1.0,
        messages_per_s=_lowest(row.in_force, _per_s(find_rate(provider.message_rate))),
        connections_per_s=_per_s(find_rate(provider.connection_rate)),
        allowance=next((each.allowance for each in row.in_force if each.allowance), None),
        suspended_until=_end(row.suspended_until, suspending),
        is_suspended=bool(suspending),
    )


def _unused(source: str, provider: Provider) -> PathCapacity:
    return PathCapacity(
        source=source,
        connections=provider.connections,
        transfers=provider.messages_per_connection,
        transaction_ms=None,
        messages_per_s=_per_s(find_rate(provider.message_rate)),
        connections_per_s=_per_s(find_rate(provider.connection_rate)),
    )


def _per_s(rate: Rate | None) -> float | None:
    return None if rate is None else rate.count / rate.period_s


def _lowest(in_force: tuple[Narrowing, ...], configured: float | None) -> float | None:
    rates = [configured, *(each.messages_per_s for each in in_force)]
    return min((each for each in rates if each is not None), default=None)


def _end(suspended_until: UnixMs | None, suspending: list[Narrowing]) -> UnixMs | None:
    """Return when the last suspension ends; None: there is none, or one has no end."""
    ends = [each.until for each in suspending]
    known = [each for each in (*ends, suspended_until) if each is not None]
    return None if None in ends else max(known, default=None)

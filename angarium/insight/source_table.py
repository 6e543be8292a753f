"""Egress sources as they are configured, beside what goes out by each and how it fares. Pure."""

from collections.abc import Sequence

import msgspec

from angarium.config.schema import Config
from angarium.insight.traffic_table import ProviderRow, SourceRow, narrowing_text, sum_windows
from angarium.mta.egress.narrowing import Narrowing
from angarium.mta.egress.pools import DEFAULT
from angarium.mta.egress.traffic_counts import Windows
from angarium.queue import UnixMs


class PoolShare(msgspec.Struct, frozen=True, kw_only=True):
    pool: str
    weight: int
    of: int  # of all sources of the pool


class SourceSummary(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    address: str  # "": the system's choice
    ehlo: str
    pools: tuple[PoolShare, ...]  # none: no mail leaves by it
    is_configured: bool  # else only its last connections are left
    connections: int
    providers: int  # that it has mail or connections for, or had within the hour
    waiting: int
    windows: Windows
    health: str  # "ok", or what is wrong


def source_table(
    config: Config, rows: Sequence[ProviderRow], in_force: Sequence[Narrowing], now: UnixMs
) -> tuple[SourceSummary, ...]:
    """Return the configured ones in their order, then those that are configured no more."""
    configured = {each.name: each for each in config.source}
    names = dict.fromkeys(configured) or {DEFAULT: None}
    used: dict[str, list[SourceRow]] = {}
    for row in rows:
        for each in row.sources:
            used.setdefault(each.source, []).append(each)
    found = []
    for name in {**names, **dict.fromkeys(used)}:
        source, mine = configured.get(name), used.get(name, [])
        windows = sum_windows(each.windows for each in mine)
        found.append(
            SourceSummary(
                name=name,
                address=(source.address if source is not None else None) or "",
                ehlo=(source.ehlo if source is not None else None) or config.server.hostname,
                pools=_pools_of(name, config) if name in names else (),
                is_configured=name in names,
                connections=sum(each.connections for each in mine),
                providers=len(mine),
                waiting=sum(each.waiting for each in mine),
                windows=windows,
                health=_health(name, windows, in_force, now),
            )
        )
    return tuple(found)


def _pools_of(name: str, config: Config) -> tuple[PoolShare, ...]:
    shares = [
        PoolShare(pool=pool.name, weight=member.weight, of=sum(m.weight for m in pool.sources))
        for pool in config.pool
        for member in pool.sources
        if member.name == name
    ]
    if not any(pool.name == DEFAULT for pool in config.pool):
        shares.append(PoolShare(pool=DEFAULT, weight=1, of=max(len(config.source), 1)))
    return tuple(shares)


def _health(name: str, windows: Windows, in_force: Sequence[Narrowing], now: UnixMs) -> str:
    out = [each for each in in_force if each.kind == "source" and each.source == name]
    if out:
        return "; ".join(narrowing_text(each, now) for each in out)
    late = windows.ten_minutes
    if late.refused and not late.connections:
        return f"none of {late.refused} connections could be opened in ten minutes"
    return "ok"

"""What goes where as a table: providers, and in each the sources that mail for it leaves by. Pure."""

from collections.abc import Iterable

import msgspec

from angarium.insight.admin.gathering import Gathered
from angarium.insight.holds import hold_narrowing
from angarium.insight.units import span_text
from angarium.mta.egress.narrowing import Narrowing
from angarium.mta.egress.policy import Limits
from angarium.mta.egress.traffic_counts import Windows
from angarium.mta.traffic import PathTraffic
from angarium.queue import UnixMs


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One source at one provider."""

    source: str
    waiting: int  # recipients in memory
    connections: int
    limits: Limits | None  # None: nothing waits in memory
    windows: Windows
    in_force: tuple[Narrowing, ...]  # that concern it
    wait: str = ""  # of our own policy, with its end
    suspended: str = ""  # no site takes connections: why, until when
    suspended_until: UnixMs | None = None


class ProviderRow(msgspec.Struct, frozen=True, kw_only=True):
    provider: str  # "": none is known yet of their domains
    queued: int | None = None  # recipients on disk, all of them; None: not counted
    held: int | None = None  # of these
    sources: tuple[SourceRow, ...] = ()
    holds: tuple[Narrowing, ...] = ()  # operators', of mail for this provider

    @property
    def connections(self) -> int:
        return sum(each.connections for each in self.sources)

    @property
    def waiting(self) -> int:
        return sum(each.waiting for each in self.sources)

    @property
    def windows(self) -> Windows:
        return sum_windows(each.windows for each in self.sources)


def traffic_table(gathered: Gathered, now: UnixMs) -> tuple[ProviderRow, ...]:
    """Return providers that have mail or traffic, those with most mail first."""
    paths: dict[str, dict[str, PathTraffic]] = {}
    for each in gathered.paths:
        of_provider = paths.setdefault(each.provider, {})
        known = of_provider.get(each.source)
        of_provider[each.source] = each if known is None else _joined(known, each)
    holds = [hold_narrowing(each) for each in gathered.holds]
    counted = {}
    if gathered.census is not None:
        counted = {each.value: each for each in gathered.census.by_provider.slices}
    rows = []
    for provider in {**counted, **paths}:
        found = counted.get(provider)
        absent = None if gathered.census is None else 0
        sources = paths.get(provider, {})
        row = ProviderRow(
            provider=provider,
            queued=absent if found is None else found.count,
            held=absent if found is None else found.held,
            sources=tuple(
                _source_row(sources[name], gathered.in_force, now) for name in sorted(sources)
            ),
            holds=tuple(each for each in holds if provider and each.provider == provider),
        )
        rows.append(row)
    return tuple(sorted(rows, key=_rank))


def sum_windows(several: Iterable[Windows]) -> Windows:
    return sum(several, Windows())


def _rank(row: ProviderRow) -> tuple[int, int, str]:
    waits = row.waiting if row.queued is None else row.queued
    return (-waits, -row.windows.hour.recipients, row.provider)


def _joined(one: PathTraffic, other: PathTraffic) -> PathTraffic:
    """Both processes have mail of one provider: one of them guessed wrongly, and hands it over."""
    first, second = (one, other) if one.limits is not None else (other, one)
    return msgspec.structs.replace(
        first,
        waiting=one.waiting + other.waiting,
        connections=one.connections + other.connections,
        windows=one.windows + other.windows,
        wait=first.wait or second.wait,
        wait_until=first.wait_until or second.wait_until,
    )


def _source_row(path: PathTraffic, in_force: Iterable[Narrowing], now: UnixMs) -> SourceRow:
    more = f" (and {path.lanes_waiting - 1} other lanes)" if path.lanes_waiting > 1 else ""
    return SourceRow(
        source=path.source,
        waiting=path.waiting,
        connections=path.connections,
        limits=path.limits,
        windows=path.windows,
        in_force=tuple(each for each in in_force if each.concerns(path.source, path.provider)),
        wait="" if not path.wait else path.wait + _for(path.wait_until, now) + more,
        suspended=(
            "" if not path.suspended else f"{path.suspended}{_for(path.suspended_until, now)}"
        ),
        suspended_until=path.suspended_until,
    )


def _for(until: UnixMs | None, now: UnixMs) -> str:
    return "" if until is None or until <= now else f", for {span_text(until - now)}"


def narrowing_text(narrowing: Narrowing, now: UnixMs) -> str:
    """Return it on one line, with the name by which it is undone."""
    scope = f" ({narrowing.scope})" if narrowing.scope else ""
    kind = narrowing.kind.replace("_", "-")
    return f"{kind} {narrowing.name}{scope}: {narrowing.text}{_for(narrowing.until, now)}"


def notes_of(row: SourceRow, now: UnixMs) -> list[str]:
    """Return what is in force of a source at a provider, in words, the hardest first."""
    notes = [f"no host takes connections: {row.suspended}"] if row.suspended else []
    hardest = sorted(row.in_force, key=lambda each: not each.suspends)
    notes += [narrowing_text(each, now) for each in hardest]
    # What waits for a rule says the rule's name
    if row.wait and not any(f"rule {each.name} " in row.wait for each in row.in_force):
        notes.append(f"waits: {row.wait}")
    return notes

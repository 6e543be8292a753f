"""Asks the counters for what a summary says. Blocks: in a thread."""

from typing import Final

from angarium.analytics.asked import By, StatsQuery, StatsRow
from angarium.analytics.counters import COUNTERS, Counter, day_text
from angarium.analytics.insights.asking import InsightReader
from angarium.analytics.latency import quantile_ms
from angarium.analytics.reading import CounterReader
from angarium.analytics.summary.figures import Line, Summary
from angarium.queue.model import UnixMs

# Ours: days before that say what is usual, and rows of a table
USUAL_DAYS: Final = 14
ROWS: Final = 8


def gather(counters: CounterReader, day: int, tenant: str | None, now: UnixMs) -> Summary:
    """Return a day's summary (since 1970, UTC) of a tenant; None: of the whole server. Raises CountersAwayError."""
    total = _lines(counters, None, day, tenant)
    return Summary(
        day=day_text(day),
        of=tenant or "",
        total=total[0] if total else Line(key="", counts=dict.fromkeys(COUNTERS, 0)),
        usual=_usual(counters, day, tenant),
        providers=_lines(counters, "provider", day, tenant),
        streams=_lines(counters, "stream", day, tenant),
        campaigns=_lines(counters, "campaign", day, tenant),
        insights=tuple(InsightReader(counters).ask(day, tenant, now)),
    )


def _lines(
    counters: CounterReader, by: By | None, day: int, tenant: str | None
) -> tuple[Line, ...]:
    query = StatsQuery(
        by=(by,) if by is not None else (),
        resolution="day",
        first=day,
        end=day + 1,
        tenant=tenant,
        latency=True,
        most=None if by is None else Counter.DELIVERED,
        limit=ROWS,
    )
    return tuple([_line(each) for each in counters.ask(query).rows])


def _line(row: StatsRow) -> Line:
    latency = row.latency or {}
    return Line(
        key="(others)" if row.key is None else str(row.key),
        counts=row.counts,
        p50_ms=quantile_ms(latency, 500),
        p95_ms=quantile_ms(latency, 950),
    )


def _usual(counters: CounterReader, day: int, tenant: str | None) -> dict[str, float]:
    """Return the mean of the days before, from the first that had mail."""
    query = StatsQuery(
        by=("day",), resolution="day", first=day - USUAL_DAYS, end=day, tenant=tenant
    )
    rows = counters.ask(query).rows
    first = min((each.key for each in rows if isinstance(each.key, int)), default=day)
    days = day - first
    return {name: sum(each.counts[name] for each in rows) / days for name in COUNTERS if days}

"""What a summary says, as values. Pure."""

from collections.abc import Mapping

import msgspec

from angarium.analytics.insights.words import Insight
from angarium.analytics.rates import Rates, rates_of


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a table: a provider, a stream, a campaign."""

    key: str
    counts: Mapping[str, int]  # all counters
    p50_ms: int | None = None  # from acceptance to delivery; None: nothing was delivered
    p95_ms: int | None = None

    @property
    def rates(self) -> Rates:
        return rates_of(self.counts)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    day: str  # 2026-07-01, UTC
    of: str  # the tenant; "": the whole server
    total: Line
    usual: Mapping[str, float]  # the mean of the days before, by counter; empty: there are none
    providers: tuple[Line, ...] = ()  # those with most mail first
    streams: tuple[Line, ...] = ()
    campaigns: tuple[Line, ...] = ()
    insights: tuple[Insight, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened, and nothing is different."""
        return not any(self.total.counts.values()) and not self.insights

"""A panel of the dashboard: its questions to Prometheus, and how the answers are drawn.

Metrics are written without the labels that a scrape adds: ``grafana`` puts those in. Pure data.
"""

from typing import Final, Literal

import msgspec

Unit = Literal["short", "s", "bytes", "percentunit", "reqps", "ops", "cps", "dateTimeFromNow"]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    expr: str
    legend: str = ""  # labels in braces: "{{provider}}"


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    about: str  # what it says, and what to do
    unit: Unit
    queries: tuple[Query, ...]
    kind: Literal["timeseries", "stat", "bargauge"] = "timeseries"
    width: int = 8  # of 24
    stacked: bool = False
    # From which value on it is yellow, red; of a falling one, below
    thresholds: tuple[float, float] | None = None
    falls: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    panels: tuple[Panel, ...]


# Over which time a rate is taken; of Grafana, which knows how far apart its points are
RATE: Final = "[$__rate_interval]"
# Of one path, as chosen
PATH: Final = 'provider=~"$provider",source=~"$source"'


def quantiles(histogram: str, by: str = "") -> tuple[Query, ...]:
    """Of a time, p50 to p99."""
    labels = f"le,{by}" if by else "le"
    name = f" {{{{{by}}}}}" if by else ""
    return tuple(
        Query(
            expr=f"histogram_quantile({part}, sum by ({labels}) (rate({histogram}_bucket{RATE})))",
            legend=f"p{part * 100:g}{name}",
        )
        for part in (0.5, 0.95, 0.99)
    )

"""Which rows a sum is in: what was counted of mail of one kind, spread over all that it is asked by. Pure."""

import enum
from collections.abc import Iterable, Iterator
from typing import Final

from angarium.analytics.counted_mail import Labels, read_labels
from angarium.analytics.counters import ALL, BETWEEN, MINUTES, Dimension, Resolution
from angarium.analytics.routes import Route, Routes

# What is added to a row: numbers by Counter, and behind BUCKETS by the number of a bucket of ``latency``
BUCKETS: Final = 64
Cell = dict[int, int]


class Facet(enum.IntEnum):
    """What is known besides the message and the way that it went."""

    MAIL = 0  # nothing
    CLASS = 1  # the class of a refusal
    LINK = 2  # which link


# Labels of the message, minute, route, and what else is known
Target = tuple[bytes, int, int, Facet, str]
Sums = dict[Target, Cell]
# Tenant, dimension, minute (or hour, or day), key: of a row
RowKey = tuple[str, int, int, str]
Rows = dict[RowKey, Cell]


def minute_rows(sums: Sums, routes: Routes) -> Rows:
    """Return rows in the order in which their first event came."""
    rows: Rows = {}
    keys: dict[tuple[bytes, int, Facet, str], list[tuple[int, str]]] = {}
    tenants: dict[bytes, str] = {}
    for (raw, minute, route, facet, value), cell in sums.items():
        found = keys.get((raw, route, facet, value))
        if found is None:
            labels = read_labels(raw)
            tenants[raw] = labels.tenant
            those = _keys(labels, routes.find(route), facet, value)
            found = keys[raw, route, facet, value] = list(those)
        tenant = tenants[raw]
        for dimension, key in found:
            add(rows, (tenant, dimension, minute, key), cell)
    return rows


def coarser(rows: Rows, resolution: Resolution) -> Rows:
    """Return minutes as hours, or days."""
    width = MINUTES[resolution]
    found: Rows = {}
    for (tenant, dimension, minute, key), cell in rows.items():
        add(found, (tenant, dimension, minute // width, key), cell)
    return found


def add(rows: Rows, key: RowKey, cell: Cell) -> None:
    row = rows.get(key)
    if row is None:
        rows[key] = cell.copy()
        return
    for what, number in cell.items():
        row[what] = row.get(what, 0) + number


def _keys(
    labels: Labels, route: Route | None, facet: Facet, value: str
) -> Iterator[tuple[int, str]]:
    if facet is Facet.MAIL:
        found = _of_mail(labels, route)
    elif facet is Facet.CLASS:
        found = _of_class(labels, route, value)
    else:
        found = ((Dimension.LINK, value), _pair(Dimension.CAMPAIGN_LINK, labels.campaign, value))
    return ((int(dimension), key) for dimension, key in found if key)


def _of_mail(labels: Labels, route: Route | None) -> Iterable[tuple[Dimension, str]]:
    yield Dimension.TOTAL, ALL
    yield Dimension.STREAM, labels.stream
    yield Dimension.CAMPAIGN, labels.campaign
    yield Dimension.DOMAIN, labels.domain
    yield Dimension.TEMPLATE, labels.template
    for each in labels.tags:
        yield Dimension.TAG, each
    if route is not None:
        yield Dimension.PROVIDER, route.provider
        yield Dimension.SOURCE, route.source
        yield _pair(Dimension.PROVIDER_SOURCE, route.provider, route.source)
        yield _pair(Dimension.STREAM_PROVIDER, labels.stream, route.provider)
        yield _pair(Dimension.CAMPAIGN_PROVIDER, labels.campaign, route.provider)
        yield _pair(Dimension.DOMAIN_PROVIDER, labels.domain, route.provider)


def _of_class(labels: Labels, route: Route | None, value: str) -> Iterable[tuple[Dimension, str]]:
    yield Dimension.CLASS, value
    yield _pair(Dimension.CAMPAIGN_CLASS, labels.campaign, value)
    if route is not None:
        yield _pair(Dimension.PROVIDER_CLASS, route.provider, value)
        yield _pair(Dimension.SOURCE_CLASS, route.source, value)


def _pair(dimension: Dimension, one: str, other: str) -> tuple[Dimension, str]:
    """ "" where there is but one of them."""
    return dimension, f"{one}{BETWEEN}{other}" if one and other else ""

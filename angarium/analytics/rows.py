"""Which rows a sum is in: what was counted of mail of one kind, spread over all that it is asked by. Pure."""

import enum
from collections.abc import Callable, Mapping
from typing import Final

from angarium.analytics.counted_mail import Labels, read_labels
from angarium.analytics.counters import ALL, BETWEEN, MINUTES, Dimension, Resolution
from angarium.analytics.routes import UNKNOWN, Route, Routes

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
    keys: dict[tuple[bytes, int, Facet, str], tuple[str, list[Keyed]]] = {}
    for (raw, minute, number, facet, value), cell in sums.items():
        found = keys.get((raw, number, facet, value))
        if found is None:
            labels = read_labels(raw)
            those = _KEYS[facet](labels, routes.find(number) or _NO_ROUTE, value)
            found = keys[raw, number, facet, value] = (labels.tenant, those)
        tenant, those = found
        for dimension, key in those:
            place = (tenant, dimension, minute, key)
            row = rows.get(place)
            if row is None:
                rows[place] = cell.copy()
            else:
                for what, count in cell.items():
                    row[what] = row.get(what, 0) + count
    return rows


def coarser(rows: Rows, resolution: Resolution) -> Rows:
    """Return minutes as hours, or days. Cells may be those of the minutes: nothing more is to be added to them."""
    width = MINUTES[resolution]
    found: Rows = {}
    own: set[RowKey] = set()
    for (tenant, dimension, minute, key), cell in rows.items():
        place = (tenant, dimension, minute // width, key)
        if place not in found:
            found[place] = cell
            continue
        if place not in own:
            found[place] = found[place].copy()
            own.add(place)
        add(found, place, cell)
    return found


def add(rows: Rows, key: RowKey, cell: Cell) -> None:
    row = rows.get(key)
    if row is None:
        rows[key] = cell.copy()
        return
    for what, number in cell.items():
        row[what] = row.get(what, 0) + number


# A number of Dimension, and a key
Keyed = tuple[int, str]
_NO_ROUTE: Final = Route(number=UNKNOWN, provider="", source="")


def _of_mail(labels: Labels, route: Route, _: str) -> list[Keyed]:
    """Most of the time goes by here: plain numbers, and nothing that is empty."""
    stream, campaign, domain = labels.stream, labels.campaign, labels.domain
    provider, source = route.provider, route.source
    found = [(_TOTAL, ALL)]
    if stream:
        found.append((_STREAM, stream))
    if campaign:
        found.append((_CAMPAIGN, campaign))
    if domain:
        found.append((_DOMAIN, domain))
    if labels.template:
        found.append((_TEMPLATE, labels.template))
    if labels.cohort:
        found.append((_COHORT, labels.cohort))
    found += [(_TAG, each) for each in labels.tags]
    if source:
        found.append((_SOURCE, source))
    if provider:
        found.append((_PROVIDER, provider))
        if source:
            found.append((_PROVIDER_SOURCE, f"{provider}{BETWEEN}{source}"))
        if stream:
            found.append((_STREAM_PROVIDER, f"{stream}{BETWEEN}{provider}"))
        if campaign:
            found.append((_CAMPAIGN_PROVIDER, f"{campaign}{BETWEEN}{provider}"))
        if domain:
            found.append((_DOMAIN_PROVIDER, f"{domain}{BETWEEN}{provider}"))
    return found


def _of_class(labels: Labels, route: Route, value: str) -> list[Keyed]:
    found = [(int(Dimension.CLASS), value)]
    for dimension, first in (
        (Dimension.CAMPAIGN_CLASS, labels.campaign),
        (Dimension.PROVIDER_CLASS, route.provider),
        (Dimension.SOURCE_CLASS, route.source),
    ):
        if first:
            found.append((int(dimension), f"{first}{BETWEEN}{value}"))
    return found


def _of_link(labels: Labels, _: Route, value: str) -> list[Keyed]:
    found = [(int(Dimension.LINK), value)]
    if labels.campaign:
        found.append((int(Dimension.CAMPAIGN_LINK), f"{labels.campaign}{BETWEEN}{value}"))
    return found


_TOTAL: Final = int(Dimension.TOTAL)
_STREAM: Final = int(Dimension.STREAM)
_CAMPAIGN: Final = int(Dimension.CAMPAIGN)
_TAG: Final = int(Dimension.TAG)
_PROVIDER: Final = int(Dimension.PROVIDER)
_SOURCE: Final = int(Dimension.SOURCE)
_DOMAIN: Final = int(Dimension.DOMAIN)
_TEMPLATE: Final = int(Dimension.TEMPLATE)
_COHORT: Final = int(Dimension.COHORT)
_PROVIDER_SOURCE: Final = int(Dimension.PROVIDER_SOURCE)
_STREAM_PROVIDER: Final = int(Dimension.STREAM_PROVIDER)
_CAMPAIGN_PROVIDER: Final = int(Dimension.CAMPAIGN_PROVIDER)
_DOMAIN_PROVIDER: Final = int(Dimension.DOMAIN_PROVIDER)
_KEYS: Final[Mapping[Facet, Callable[[Labels, Route, str], list[Keyed]]]] = {
    Facet.MAIL: _of_mail,
    Facet.CLASS: _of_class,
    Facet.LINK: _of_link,
}

"""Counters as CSV, for people with spreadsheets. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.analytics.asked import By, StatsQuery, StatsRow
from angarium.analytics.counters import COUNTERS, SINGLES
from angarium.analytics.latency import Latency, latency_of
from angarium.analytics.rates import Rates, have_rates, rates_of
from angarium.analytics.span import key_shown

# The column of what has one row only
_TOTAL: Final = "key"


def stats_columns(by: Sequence[By], *, rates: bool, latency: bool) -> list[str]:
    columns = [*(by or (_TOTAL,)), *COUNTERS]
    if rates:
        columns += [f"{each}_rate" for each in Rates.__struct_fields__]
    if latency:
        columns += [f"latency_{each}" for each in Latency.__struct_fields__]
    return columns


def stats_cells(query: StatsQuery, row: StatsRow, *, rates: bool) -> list[str]:
    """In the order of the columns. What is not known is empty, and so is the name of further ones together."""
    cells = [each or "" for each in keys_shown(query.by, row)] or [str(row.key)]
    cells += [str(row.counts[name]) for name in COUNTERS]
    if rates:
        cells += _cells(row_rates(query, row), Rates)
    if query.latency:
        cells += _cells(latency_of(row.latency), Latency)
    return cells


def keys_shown(by: Sequence[By], row: StatsRow) -> list[str | None]:
    return [key_shown(each, key) for each, key in zip(by, row.keys, strict=True)]


def row_rates(query: StatsQuery, row: StatsRow) -> Rates | None:
    """None: the rows have none."""
    named = [SINGLES[each] for each in query.by if each in SINGLES]
    if not have_rates([*named, *(each.dimension for each in query.only)]):
        return None
    return rates_of(row.counts)


def _cells(values: msgspec.Struct | None, kind: type[msgspec.Struct]) -> list[str]:
    if values is None:
        return [""] * len(kind.__struct_fields__)
    return ["" if each is None else str(each) for each in msgspec.structs.astuple(values)]

"""Adds counters up, as they are asked for. Blocks: in a thread."""

from collections.abc import Iterator
from typing import Any, Final

from angarium.analytics.asked import (
    MAX_SPAN,
    TIMES,
    By,
    Key,
    Only,
    StatsPage,
    StatsQuery,
    StatsRow,
    dimension_of,
)
from angarium.analytics.counter_file import CounterView
from angarium.analytics.counter_tables import SUM_LATENCY
from angarium.analytics.counters import (
    BETWEEN,
    COUNTERS,
    MINUTES,
    PAIRS,
    REST,
    SINGLES,
    Dimension,
    Resolution,
)
from angarium.analytics.latency import decode_histogram

_SUMS: Final = ", ".join(f"sum({name}) AS {name}" for name in COUNTERS)
# By the primary key from one tenant to the next: there are few of them, and many rows
_TENANTS: Final = """
WITH RECURSIVE others (tenant) AS (
    SELECT min(tenant) FROM {0}
    UNION ALL
    SELECT (SELECT min(tenant) FROM {0} WHERE tenant > others.tenant) FROM others WHERE tenant IS NOT NULL)
SELECT tenant FROM others WHERE tenant IS NOT NULL
"""
_AT: Final = f"instr(key, '{BETWEEN}')"
_FIRST: Final = f"substr(key, 1, max({_AT} - 1, 0))"
_SECOND: Final = f"CASE WHEN {_AT} THEN substr(key, {_AT} + 1) ELSE '{REST}' END"
# Before the keys in the place of a row, so that none is empty
_MARK: Final = "="


class CounterReader:
    def __init__(self, view: CounterView) -> None:
        self._view = view

    def close(self) -> None:
        self._view.close()

    def ask(self, query: StatsQuery) -> StatsPage:
        """Return rows in the order of their keys, or of what there is most of.

        Raises CountersAwayError, and ValueError for an ``after`` that is of no page.
        """
        dimension = dimension_of(query.by, query.only, query.resolution)
        assert dimension is not None
        assert query.end - query.first <= MAX_SPAN[query.resolution]
        under = [_under(each, dimension, query.resolution) for each in query.by]
        conditions, values = _conditions(query, dimension)
        if query.after:
            last = _place(query)
            places = ", ".join(f":after{at}" for at in range(len(last)))
            conditions.append(f"({', '.join(under)}) > ({places})")
            values |= {f"after{at}": each for at, each in enumerate(last)}
        names = [f"u{at}" for at in range(len(under))]
        shown = [f"{text} AS {name}" for text, name in zip(under, names, strict=True)]
        latency = f"{SUM_LATENCY}(latency)" if query.latency else "NULL"
        order = [] if query.most is None else [f"{COUNTERS[query.most]} DESC"]
        text = (
            f"SELECT {', '.join([*shown, _SUMS, latency])} FROM {query.resolution}"  # noqa: S608
            f" WHERE {' AND '.join(conditions)}"
            + (
                f" GROUP BY {', '.join(names)} ORDER BY {', '.join([*order, *names])}"
                if names
                else ""
            )
            + " LIMIT :limit"
        )
        found = self._view.ask(text, values)
        if not names and found[0][0] is None:
            found = []  # the sum of no rows
        return _page(found, query)


def _under(by: By, dimension: Dimension, resolution: Resolution) -> str:
    """Return what rows are gathered under."""
    if by in TIMES:
        return "at" if by == resolution else f"at / {MINUTES[by] // MINUTES[resolution]}"
    if by == "tenant":
        return "tenant"
    return _part(SINGLES[by], dimension)


def _part(single: Dimension, dimension: Dimension) -> str:
    """Return where the key of a single one is in those of a dimension."""
    if single is dimension:
        return "key"
    return _FIRST if PAIRS[dimension][0] is single else _SECOND


def _conditions(query: StatsQuery, dimension: Dimension) -> tuple[list[str], dict[str, object]]:
    values: dict[str, object] = {
        "dimension": int(dimension),
        "first": query.first,
        "end": query.end,
        "limit": query.limit + 1,
    }
    conditions = ["dimension = :dimension", "at >= :first", "at < :end"]
    if query.tenant is None:
        conditions.append(f"tenant IN ({_TENANTS.format(query.resolution)})")
    else:
        conditions.append("tenant = :tenant")
        values["tenant"] = query.tenant
    for at, (condition, value) in enumerate(_only(query.only, dimension)):
        conditions.append(f"{condition} = :only{at}")
        values[f"only{at}"] = value
    return conditions, values


def _only(only: tuple[Only, ...], dimension: Dimension) -> Iterator[tuple[str, str]]:
    keys = {each.dimension: each.key for each in only}
    if dimension in PAIRS and all(each in keys for each in PAIRS[dimension]):
        yield "key", BETWEEN.join(keys[each] for each in PAIRS[dimension])
    else:
        for each in only:
            yield _part(each.dimension, dimension), each.key


def _place(query: StatsQuery) -> list[Key]:
    """Return the keys of the row that a page begins behind. Raises ValueError."""
    parts = query.after.removeprefix(_MARK).split(BETWEEN)
    if len(parts) != len(query.by):
        raise ValueError("the place is of other rows")
    return [int(part) if by in TIMES else part for by, part in zip(query.by, parts, strict=True)]


def _page(found: list[tuple[Any, ...]], query: StatsQuery) -> StatsPage:
    width = len(query.by)
    rows = tuple(_row(each, width) for each in found[: query.limit])
    after = None
    if len(found) > query.limit and query.most is None:
        after = _MARK + BETWEEN.join(str(each) for each in found[query.limit - 1][:width])
    return StatsPage(rows=rows, after=after)


def _row(row: tuple[Any, ...], width: int) -> StatsRow:
    keys = tuple(None if each == REST else each for each in row[:width])
    counts = dict(zip(COUNTERS, row[width:-1], strict=True))
    latency = None if row[-1] is None else decode_histogram(row[-1])
    return StatsRow(keys=keys, counts=counts, latency=latency)

"""Adds counters up, as they are asked for. Blocks: in a thread."""

from typing import Any, Final

from angarium.analytics.asked import DIMENSIONS, MAX_HOURS, StatsPage, StatsQuery, StatsRow
from angarium.analytics.counter_file import CounterView
from angarium.analytics.counters import ALL, COUNTERS, DAY_HOURS, REST, Dimension

_SUMS: Final = ", ".join(f"sum({name})" for name in COUNTERS)
# By the primary key from one tenant to the next: there are few of them, and many rows
_TENANTS: Final = """
WITH RECURSIVE others (tenant) AS (
    SELECT min(tenant) FROM counter
    UNION ALL
    SELECT (SELECT min(tenant) FROM counter WHERE tenant > others.tenant) FROM others WHERE tenant IS NOT NULL)
SELECT tenant FROM others WHERE tenant IS NOT NULL
"""
# What rows are gathered under
_UNDER: Final = {
    "total": f"'{ALL}'",
    "hour": "hour",
    "day": f"hour / {DAY_HOURS}",
    "tenant": "tenant",
}
# Before a key, so that none is empty
_MARK: Final = "="
_BY_TIME: Final = ("hour", "day")


class CounterReader:
    def __init__(self, view: CounterView) -> None:
        self._view = view

    def close(self) -> None:
        self._view.close()

    def ask(self, query: StatsQuery) -> StatsPage:
        """Return rows in the order of their keys.

        Raises CountersAwayError, and ValueError for an ``after`` that is of no page.
        """
        assert query.end - query.first <= MAX_HOURS
        under = _UNDER.get(query.by, "key")
        values: dict[str, object] = {"first": query.first, "end": query.end}
        values["limit"] = query.limit + 1
        values["dimension"] = int(_dimension(query))
        conditions = ["dimension = :dimension", "hour >= :first", "hour < :end"]
        if query.tenant is None:
            conditions.append(f"tenant IN ({_TENANTS})")
        else:
            conditions.append("tenant = :tenant")
            values["tenant"] = query.tenant
        if query.only is not None:
            conditions.append("key = :only")
            values["only"] = query.only[1]
        if query.after:
            conditions.append(f"{under} > :after")
            last = query.after.removeprefix(_MARK)
            values["after"] = int(last) if query.by in _BY_TIME else last
        text = (
            f"SELECT {under} AS under, {_SUMS} FROM counter WHERE {' AND '.join(conditions)}"  # noqa: S608
            " GROUP BY under ORDER BY under LIMIT :limit"
        )
        return _page(self._view.ask(text, values), query.limit)


def _dimension(query: StatsQuery) -> Dimension:
    if query.only is not None:
        return query.only[0]
    return DIMENSIONS.get(query.by, Dimension.TOTAL)


def _page(found: list[tuple[Any, ...]], limit: int) -> StatsPage:
    rows = tuple(_row(each) for each in found[:limit])
    after = f"{_MARK}{found[limit - 1][0]}" if len(found) > limit else None
    return StatsPage(rows=rows, after=after)


def _row(row: tuple[Any, ...]) -> StatsRow:
    counts = dict(zip(COUNTERS, row[1:], strict=True))
    return StatsRow(key=None if row[0] == REST else row[0], counts=counts)

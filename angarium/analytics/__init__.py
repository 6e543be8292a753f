"""How much mail there was and what became of it: counters by the hour, a projection of the event log in SQLite.

Start with ``counters``, which says what is counted and by what, and ``counting``, what an event counts as. Knows
nothing of HTTP.
"""

from angarium.analytics.asked import CountersAwayError, StatsPage, StatsQuery, StatsRow
from angarium.analytics.counters import COUNTERS, HOUR_MS, Counter, Dimension

__all__ = [
    "COUNTERS",
    "HOUR_MS",
    "Counter",
    "CountersAwayError",
    "Dimension",
    "StatsPage",
    "StatsQuery",
    "StatsRow",
]

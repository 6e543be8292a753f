"""How much mail there was and what became of it: counters by the minute, hour and day, a projection of the event log in
SQLite.

Start with ``counters``, which says what is counted and by what, and ``counting``, what an event counts as. Whoever asks
begins at ``asked``; ``rates`` and ``latency`` say what the answers come to. Knows nothing of HTTP.
"""

from angarium.analytics.asked import CountersAwayError, Only, StatsPage, StatsQuery, StatsRow
from angarium.analytics.counters import COUNTERS, HOUR_MS, Counter, Dimension

__all__ = [
    "COUNTERS",
    "HOUR_MS",
    "Counter",
    "CountersAwayError",
    "Dimension",
    "Only",
    "StatsPage",
    "StatsQuery",
    "StatsRow",
]

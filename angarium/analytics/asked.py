"""What the counters are asked, and what they answer. Plain values."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from angarium.analytics.counters import DAY_HOURS, Dimension

# Ours: with the key "tenant" for who runs the server
By = Literal[
    "total",
    "hour",
    "day",
    "stream",
    "campaign",
    "tag",
    "provider",
    "source",
    "domain",
    "tenant",
]
DIMENSIONS: Final[Mapping[str, Dimension]] = {each.name.lower(): each for each in Dimension}
# Ours, of one question
MAX_HOURS: Final = 366 * DAY_HOURS
MAX_ROWS: Final = 1000


class CountersAwayError(OSError):
    """The counters cannot be used now; says why. What is in them is as it was."""


class StatsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Hours are counted from the beginning of 1970, UTC."""

    by: By
    first: int  # hour
    end: int  # hour behind the last one
    tenant: str | None  # None: of all
    # One key of one dimension, by hour, by day or in total; None: everything
    only: tuple[Dimension, str] | None = None
    after: str = ""  # the place of the last row of the page before; "": the first page
    limit: int = MAX_ROWS


class StatsRow(msgspec.Struct, frozen=True, kw_only=True):
    # None: of those of an hour together that are more than are counted each for itself. Of an hour or day: how many of
    # them since 1970
    key: str | int | None
    counts: Mapping[str, int]  # by the counter's name, in snake_case; all of them


class StatsPage(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[StatsRow, ...]
    after: str | None  # of the next page; None: there is none

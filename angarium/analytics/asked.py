"""What the counters are asked, and what they answer. Plain values."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from angarium.analytics.counters import (
    ALL,
    PAIRS,
    SINGLES,
    WITHOUT_MINUTES,
    Counter,
    Dimension,
    Resolution,
)
from angarium.analytics.latency import Histogram

# Ours: with the key "tenant" for who runs the server
By = Literal[
    "minute",
    "hour",
    "day",
    "tenant",
    "stream",
    "campaign",
    "tag",
    "provider",
    "source",
    "domain",
    "template",
    "class",
    "link",
    "cohort",
]
TIMES: Final[tuple[Resolution, ...]] = ("minute", "hour", "day")
# Ours, of one question: two weeks of minutes, a year and a day of hours, ten years of days
MAX_SPAN: Final[Mapping[Resolution, int]] = {"minute": 20_160, "hour": 8784, "day": 3660}
MAX_ROWS: Final = 1000

Key = str | int | None


class CountersAwayError(OSError):
    """The counters cannot be used now; says why. What is in them is as it was."""


class Only(msgspec.Struct, frozen=True):
    """Only what is of this: a campaign, a provider."""

    dimension: Dimension  # a single one
    key: str


class StatsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Of what is counted together: see ``dimension_of``, which is not None."""

    # What each row is of, one or several: a time that is no finer than the resolution, names. None: one row of all
    by: tuple[By, ...] = ()
    # Which counters are added up; minutes and hours are kept for a shorter time than days
    resolution: Resolution = "hour"
    first: int  # minute, hour or day, counted from the beginning of 1970, UTC
    end: int  # behind the last one
    tenant: str | None  # None: of all
    only: tuple[Only, ...] = ()
    latency: bool = False  # also how long delivery took
    # The rows that have most of it, in that order; there is no further page. None: all, in the order of their keys
    most: Counter | None = None
    after: str = ""  # the place of the last row of the page before; "": the first page
    limit: int = MAX_ROWS


class StatsRow(msgspec.Struct, frozen=True, kw_only=True):
    # One of each ``by``; of none "all". None: of those of a day together that are more than are counted each for
    # itself. Of a time: how many of them since 1970
    keys: tuple[Key, ...]
    counts: Mapping[str, int]  # by the counter's name, in snake_case; all of them
    # Of all that were delivered or sent; None: nothing was, or nobody asked
    latency: Histogram | None = None

    @property
    def key(self) -> Key:
        """Of who asked by one thing."""
        return self.keys[0] if self.keys else ALL


class StatsPage(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[StatsRow, ...]
    after: str | None  # of the next page; None: there is none


def dimension_of(
    by: Sequence[By], only: Sequence[Only], resolution: Resolution
) -> Dimension | None:
    """Return which rows answer it; None: it is not counted together, or not by the minute."""
    named = {SINGLES[each] for each in by if each in SINGLES}
    named |= {each.dimension for each in only}
    found = _of(named)
    return None if resolution == "minute" and found in WITHOUT_MINUTES else found


def _of(named: set[Dimension]) -> Dimension | None:
    if not named:
        return Dimension.TOTAL
    if len(named) == 1:
        return next(iter(named))
    return next((pair for pair, both in PAIRS.items() if set(both) == named), None)

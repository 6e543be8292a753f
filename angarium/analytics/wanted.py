"""A question as people and programs write it, in words. Pure."""

from collections.abc import Mapping
from typing import Final, cast, get_args

import msgspec

from angarium.analytics.asked import By, Only, StatsQuery, dimension_of
from angarium.analytics.counters import COUNTERS, PAIRS, SINGLES, Counter, Resolution
from angarium.analytics.span import Span, SpanError, read_span
from angarium.queue.model import UnixMs

TOTAL: Final = "total"
BY_WORDS: Final = (TOTAL, *get_args(By))
_PAIRS: Final = "; ".join(
    " and ".join(each.name.lower() for each in both) for both in PAIRS.values()
)


class WantedError(ValueError):
    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field: Final = field


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    by: str  # words of BY_WORDS, with commas between them
    first: str = ""
    to: str = ""
    resolution: Resolution | None = None
    only: Mapping[str, str] = {}  # by the name of a single dimension; "": all
    sort: str = ""  # a counter, in snake_case
    latency: bool = False


def read_wanted(
    wanted: Wanted, now: UnixMs, tenant: str | None, *, may_all: bool
) -> tuple[StatsQuery, Span]:
    """Return its first page. ``may_all``: rows may be of tenants. Raises WantedError."""
    by = _by(wanted.by, may_all=may_all)
    only = tuple(Only(SINGLES[name], key) for name, key in wanted.only.items() if key)
    try:
        span = read_span(wanted.first, wanted.to, now, by, wanted.resolution)
    except SpanError as error:
        raise WantedError(error.field, str(error).partition(": ")[2]) from None
    _check_together(by, only, span.resolution)
    query = StatsQuery(
        by=by,
        resolution=span.resolution,
        first=span.first,
        end=span.end,
        tenant=tenant,
        only=only,
        latency=wanted.latency,
        most=_most(wanted.sort),
    )
    return query, span


def _by(text: str, *, may_all: bool) -> tuple[By, ...]:
    words = text.split(",")
    known = [each for each in BY_WORDS if may_all or each != "tenant"]
    for each in words:
        if each not in known:
            raise WantedError("by", f"{each[:40]!a} is none of {', '.join(known)}")
    if len(set(words)) < len(words):
        raise WantedError("by", "names one thing twice")
    if TOTAL in words:
        if len(words) > 1:
            raise WantedError("by", f"{TOTAL} is one row: it goes with nothing else")
        return ()
    return tuple(cast(By, each) for each in words)


def _check_together(by: tuple[By, ...], only: tuple[Only, ...], resolution: Resolution) -> None:
    if dimension_of(by, only, resolution) is not None:
        return
    field = only[-1].dimension.name.lower() if only else "by"
    if resolution == "minute" and dimension_of(by, only, "hour") is not None:
        raise WantedError(field, "is not counted by the minute: ask by hour or day")
    named: list[str] = [each for each in by if each in SINGLES]
    named += [each.dimension.name.lower() for each in only]
    text = f"{', '.join(dict.fromkeys(named))} are not counted together. These are: {_PAIRS}"
    raise WantedError(field, text)


def _most(sort: str) -> Counter | None:
    if not sort:
        return None
    if sort not in COUNTERS:
        raise WantedError("sort", f"{sort[:40]!a} is none of {', '.join(COUNTERS)}")
    return Counter[sort.upper()]

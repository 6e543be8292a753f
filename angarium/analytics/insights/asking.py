"""Asks the counters for what ``looking`` looks at, and for when and why of what it found. Blocks: in a thread."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from angarium.analytics.asked import By, Only, StatsQuery, StatsRow, dimension_of
from angarium.analytics.counters import ALL, COUNTERS, DAY_HOURS, DAY_MS, HOUR_MS, SINGLES, Counter
from angarium.analytics.insights.looking import TOTAL, VOLUME, Change, Place, Rows, look
from angarium.analytics.insights.measures import MEASURES, Counts
from angarium.analytics.insights.shares import Share
from angarium.analytics.insights.since import change_point
from angarium.analytics.insights.words import Cause, Insight, tell
from angarium.analytics.reading import CounterReader
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339

# Ours: so many days before are the windows; two of them are read by the hour, to find since when
WINDOWS: Final = 28
HOURS_BEFORE: Final = 48
# Ours, of a dimension: keys that are looked at, of those with most of each of these
KEYS: Final = 50
_MOST: Final = (Counter.DELIVERED, Counter.SENT, Counter.BOUNCED, Counter.DEFERRED)
_PLACES: Final[Sequence[By]] = ("stream", "campaign", "template", "provider", "source", "domain")
# Of these, refusals have a class
_REFUSED: Final = frozenset({"bounce_rate", "deferral_rate"})
# Ours: a class has at least this part of what there is more of to be its cause
_MOST_OF_IT: Final = 0.5
_NOTHING: Final[Counts] = dict.fromkeys(COUNTERS, 0)


class InsightReader:
    def __init__(self, counters: CounterReader) -> None:
        self._counters = counters

    def ask(self, day: int, tenant: str | None, now: UnixMs) -> list[Insight]:
        """Return what is different on a day (since 1970, UTC), or until now, from the days before.

        How much mail there was is told of days that are over alone. Raises CountersAwayError.
        """
        rows = list(self._rows(day, tenant))
        changes = look(rows)
        if (day + 1) * DAY_MS > now:
            changes = [each for each in changes if each.measure != VOLUME]
        return [self._deepened(each, day, tenant) for each in changes]

    def _rows(self, day: int, tenant: str | None) -> Iterator[Rows]:
        yield self._of(Place(by=TOTAL, key=ALL), day, tenant)
        for by in _PLACES:
            for key in self._keys(by, day, tenant):
                yield self._of(Place(by=by, key=key), day, tenant)

    def _keys(self, by: By, day: int, tenant: str | None) -> Sequence[str]:
        """Return those that have most of something on the day."""
        found: dict[str, None] = {}
        for most in _MOST:
            query = StatsQuery(
                by=(by,),
                resolution="day",
                first=day,
                end=day + 1,
                tenant=tenant,
                most=most,
                limit=KEYS,
            )
            for row in self._counters.ask(query).rows:
                if isinstance(row.key, str):
                    found[row.key] = None
        return list(found)

    def _of(self, place: Place, day: int, tenant: str | None) -> Rows:
        query = StatsQuery(
            by=("day",),
            resolution="day",
            first=day - WINDOWS,
            end=day + 1,
            tenant=tenant,
            only=_only(place),
        )
        days = {each.key: each.counts for each in self._all(query, WINDOWS + 1)}
        # Days before the first one had no mail that anybody counted: they are no windows
        first = min((each for each in days if isinstance(each, int)), default=day)
        return Rows(
            place=place,
            before=tuple([days.get(each, _NOTHING) for each in range(first, day)]),
            after=days.get(day, _NOTHING),
        )

    def _all(self, query: StatsQuery, at_most: int) -> Iterator[StatsRow]:
        read = 0
        while True:
            page = self._counters.ask(query)
            yield from page.rows
            read += len(page.rows)
            if page.after is None or read >= at_most:
                return
            query = msgspec.structs.replace(query, after=page.after)

    def _deepened(self, change: Change, day: int, tenant: str | None) -> Insight:
        return tell(change, self._since(change, day, tenant), self._cause(change, day, tenant))

    def _since(self, change: Change, day: int, tenant: str | None) -> str:
        measure = next((each for each in MEASURES if each.name == change.measure), None)
        only = _only(change.place)
        if measure is None or dimension_of(("hour",), only, "hour") is None:
            return ""
        first, end = day * DAY_HOURS - HOURS_BEFORE, (day + 1) * DAY_HOURS
        query = StatsQuery(
            by=("hour",), resolution="hour", first=first, end=end, tenant=tenant, only=only
        )
        found = {each.key: measure.share(each.counts) for each in self._all(query, end - first)}
        cut = change_point([found.get(hour, Share(part=0, whole=0)) for hour in range(first, end)])
        # What began before these hours began has no hour
        return rfc3339((first + cut) * HOUR_MS)[:16] + "Z" if cut is not None and cut > 1 else ""

    def _cause(self, change: Change, day: int, tenant: str | None) -> Cause | None:
        """Return the class that has most of what there is more of."""
        only = _only(change.place)
        if change.measure not in _REFUSED or change.excess <= 0:
            return None
        if dimension_of(("class",), only, "day") is None:
            only = ()
        before = self._by_class(day - WINDOWS, day, tenant, only)
        after = self._by_class(day, day + 1, tenant, only)
        counter = "bounced" if change.measure == "bounce_rate" else "deferred"
        usual = change.difference.after.whole / max(1, change.difference.before.whole)
        most = Cause(bounce_class="", part=0.0)
        for key, counts in after.items():
            excess = counts[counter] - before.get(key, _NOTHING)[counter] * usual
            part = min(1.0, excess / change.excess)
            if part > most.part:
                most = Cause(bounce_class=key, part=part)
        return most if most.part >= _MOST_OF_IT else None

    def _by_class(
        self, first: int, end: int, tenant: str | None, only: tuple[Only, ...]
    ) -> dict[str, Counts]:
        query = StatsQuery(
            by=("class",), resolution="day", first=first, end=end, tenant=tenant, only=only
        )
        return {
            each.key: each.counts for each in self._all(query, KEYS) if isinstance(each.key, str)
        }


def _only(place: Place) -> tuple[Only, ...]:
    return () if place.by == TOTAL else (Only(SINGLES[place.by], place.key),)

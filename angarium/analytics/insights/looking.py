"""Looks for what changed: each measure of each row with enough mail is tested, and told where it holds. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from angarium.analytics.insights.measures import MEASURES, Counts, Measure
from angarium.analytics.insights.shares import (
    Difference,
    Share,
    compare,
    compare_numbers,
    holm,
)

# Ours: not one of all that an answer says may be chance with a greater probability
LEVEL: Final = 0.01
# Ours: of fewer, no share is spoken of
LEAST_WHOLE: Final = 200
# Ours: so many more or less than would have been, at least
LEAST_EXCESS: Final = 10
# Ours, of how much mail there is: less than this part of what it was, or more than its inverse
LEAST_VOLUME: Final = 0.5
VOLUME: Final = "volume"
TOTAL: Final = "total"
# Ours: a key has at least this part of the excess to be where something changed
MOST_OF_IT: Final = 0.6


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Which mail: all of it, or one key of a dimension."""

    by: str  # total, or a dimension by its name
    key: str


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted at one place: in windows of one length, and behind them in the one that is asked about."""

    place: Place
    before: tuple[Counts, ...]
    after: Counts


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A place that has most of a change."""

    place: Place
    part: float  # of the excess of all mail; over 1 where others went the other way


class Change(msgspec.Struct, frozen=True, kw_only=True):
    measure: str  # of MEASURES, or VOLUME
    place: Place
    difference: Difference
    excess: float  # so many more (or less: negative) than would have been
    is_bad: bool
    where: tuple[Part, ...]  # the narrower places that have most of it, one of a dimension at most
    tested: int  # so many tests were made, of which this one holds


class _Tested(msgspec.Struct, kw_only=True):
    measure: str
    rows: Rows
    difference: Difference
    excess: float
    is_bad: bool


def look(rows: Sequence[Rows]) -> list[Change]:
    """Return what changed, the worst first; of a measure, what is already told of all mail is not told of its parts."""
    tested = [each for one in rows for each in _tests(one)]
    holds = holm([each.difference.probability for each in tested], LEVEL)
    held = [each for each, it_holds in zip(tested, holds, strict=True) if it_holds]
    changes: list[Change] = []
    for name in dict.fromkeys(each.measure for each in held):
        of_it = [each for each in held if each.measure == name]
        changes += _told(of_it, rows, len(tested))
    return sorted(changes, key=lambda each: (not each.is_bad, each.difference.probability))


def _tests(rows: Rows) -> Iterator[_Tested]:
    for measure in MEASURES:
        yield from _test_share(measure, rows)
    if rows.place.by == TOTAL:
        yield from _test_volume(rows)


def _test_share(measure: Measure, rows: Rows) -> Iterator[_Tested]:
    after = measure.share(rows.after)
    if after.whole < LEAST_WHOLE:
        return
    found = compare([measure.share(each) for each in rows.before], after)
    if found is None or found.before.whole < LEAST_WHOLE:
        return
    excess = after.part - after.whole * found.before.value
    if not _is_news(measure, found, excess):
        # Tested all the same: what was looked at counts, not what was found
        found = msgspec.structs.replace(found, probability=1.0)
    yield _Tested(
        measure=measure.name,
        rows=rows,
        difference=found,
        excess=excess,
        is_bad=(excess > 0) == (measure.bad_when == "more"),
    )


def _is_news(measure: Measure, found: Difference, excess: float) -> bool:
    low, high = sorted((found.before.value, found.after.value))
    return (
        abs(excess) >= LEAST_EXCESS
        and high - low >= measure.least_points
        and high >= low * measure.least_factor
    )


def _test_volume(rows: Rows) -> Iterator[_Tested]:
    after = rows.after["accepted"]
    found = compare_numbers([each["accepted"] for each in rows.before], after)
    if found is None:
        return
    usual = found.before.value
    if max(usual, after) < LEAST_WHOLE or LEAST_VOLUME * usual < after < usual / LEAST_VOLUME:
        found = msgspec.structs.replace(found, probability=1.0)
    yield _Tested(
        measure=VOLUME, rows=rows, difference=found, excess=after - usual, is_bad=after < usual
    )


def _told(held: Sequence[_Tested], rows: Sequence[Rows], tested: int) -> Iterator[Change]:
    """Of one measure: the change of all mail, and of parts of it only what that does not say."""
    whole = next((each for each in held if each.rows.place.by == TOTAL), None)
    if whole is not None:
        where = _where(whole, rows)
        yield _change(whole, where, tested)
        parts = [each for each in held if (each.excess > 0) != (whole.excess > 0)]
    else:
        parts = list(held)
    # Of one mail seen by several dimensions, what is surest stands for the others
    for direction in (True, False):
        of_one = [each for each in parts if (each.excess > 0) == direction]
        if of_one:
            surest = min(of_one, key=lambda each: each.difference.probability)
            others = tuple(
                Part(place=each.rows.place, part=abs(each.excess / surest.excess))
                for each in of_one
                if each is not surest
            )
            yield _change(surest, others, tested)


def _change(tested: _Tested, where: tuple[Part, ...], number: int) -> Change:
    return Change(
        measure=tested.measure,
        place=tested.rows.place,
        difference=tested.difference,
        excess=tested.excess,
        is_bad=tested.is_bad,
        where=where,
        tested=number,
    )


def _where(whole: _Tested, rows: Sequence[Rows]) -> tuple[Part, ...]:
    """Return of each dimension the key that has most of a change of all mail."""
    measure = next((each for each in MEASURES if each.name == whole.measure), None)
    found: dict[str, Part] = {}
    for each in rows:
        if each.place.by == TOTAL or not whole.excess:
            continue
        part = _excess(measure, each) / whole.excess
        known = found.get(each.place.by)
        if part >= MOST_OF_IT and (known is None or part > known.part):
            found[each.place.by] = Part(place=each.place, part=part)
    return tuple(found.values())


def _excess(measure: Measure | None, rows: Rows) -> float:
    if measure is None:
        usual = sum(each["accepted"] for each in rows.before) / len(rows.before)
        return rows.after["accepted"] - usual
    after = measure.share(rows.after)
    before = sum((measure.share(each) for each in rows.before), Share(part=0, whole=0))
    return after.part - after.whole * before.value

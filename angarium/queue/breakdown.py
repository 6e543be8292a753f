"""What the queue is made of, by one quality of its recipients and by their age: what qshape shows. Pure."""

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from angarium.queue.entry import FindProvider, QueueEntry
from angarium.queue.model import UnixMs
from angarium.queue.reply_pattern import full_reply, reply_kind

Quality = Literal["domain", "provider", "sender", "reply", "age"]
# Ours: the upper bounds of the columns; the last column has no bound
AGE_COLUMNS: Final[tuple[tuple[str, int], ...]] = (
    ("5m", 300_000),
    ("15m", 900_000),
    ("1h", 3_600_000),
    ("4h", 14_400_000),
    ("12h", 43_200_000),
    ("1d", 86_400_000),
    ("2d", 172_800_000),
)
OLDER: Final = "older"
# Ours, of different values kept in memory; what comes with a new one after that is counted as ``others``
VALUES_KEPT: Final = 10_000


class Slice(msgspec.Struct, kw_only=True):
    """Recipients with one value of the quality."""

    value: str  # sender "": the null reverse-path; provider, reply "": none is known
    count: int = 0
    scheduled: int = 0
    held: int = 0
    in_flight: int = 0
    # When the oldest of their messages was accepted, or was to start
    oldest_at: UnixMs | None = None
    ages: list[int]  # how many in each column of AGE_COLUMNS and, last, older


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    by: Quality
    slices: tuple[Slice, ...]  # the largest first; by age: the youngest first
    others: Slice | None  # those that are not named one by one
    total: Slice


class BreakdownCount:
    """Counts entries; what it keeps does not grow with the queue."""

    def __init__(self, by: Quality, now: UnixMs, find_provider: FindProvider) -> None:
        self._by: Quality = by
        self._now = now
        self._value_of = _value_of(by, now, find_provider)
        self._slices: dict[str, Slice] = {}
        self._others = _new_slice("")
        self._total = _new_slice("")

    def add(self, entry: QueueEntry) -> None:
        value = self._value_of(entry)
        found = self._slices.get(value)
        if found is None:
            found = self._others
            if len(self._slices) < VALUES_KEPT:
                found = self._slices[value] = _new_slice(value)
        column = _column(self._now - entry.started)
        for each in (found, self._total):
            each.count += 1
            each.ages[column] += 1
            each.oldest_at = _first(each.oldest_at, entry.started)
            match entry.state:
                case "scheduled":
                    each.scheduled += 1
                case "held":
                    each.held += 1
                case "in_flight":
                    each.in_flight += 1

    def breakdown(self, limit: int) -> Breakdown:
        """Return it with at most ``limit`` values named."""
        if self._by == "age":
            names = [*(name for name, _ in AGE_COLUMNS), OLDER]
            ordered = [self._slices[name] for name in names if name in self._slices]
        else:
            ordered = sorted(self._slices.values(), key=lambda each: (-each.count, each.value))
        for each in ordered[limit:]:
            _put_into(each, self._others)
        return Breakdown(
            by=self._by,
            slices=tuple(ordered[:limit]),
            others=self._others if self._others.count else None,
            total=self._total,
        )


def _value_of(by: Quality, now: UnixMs, find_provider: FindProvider) -> Callable[[QueueEntry], str]:
    match by:
        case "domain":
            return lambda entry: entry.domain
        case "provider":
            return lambda entry: find_provider(entry.destination) or ""
        case "sender":
            return lambda entry: entry.sender
        case "reply":
            return lambda entry: "" if entry.last is None else reply_kind(full_reply(entry.last))
        case "age":
            return lambda entry: _column_name(_column(now - entry.started))


def _column(age_ms: int) -> int:
    for column, (_, bound) in enumerate(AGE_COLUMNS):
        if age_ms < bound:
            return column
    return len(AGE_COLUMNS)


def _column_name(column: int) -> str:
    return AGE_COLUMNS[column][0] if column < len(AGE_COLUMNS) else OLDER


def _new_slice(value: str) -> Slice:
    return Slice(value=value, ages=[0] * (len(AGE_COLUMNS) + 1))


def _put_into(each: Slice, whole: Slice) -> None:
    whole.count += each.count
    whole.scheduled += each.scheduled
    whole.held += each.held
    whole.in_flight += each.in_flight
    whole.oldest_at = _first(whole.oldest_at, each.oldest_at)
    whole.ages = [a + b for a, b in zip(whole.ages, each.ages, strict=True)]


def _first(one: UnixMs | None, other: UnixMs | None) -> UnixMs | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)

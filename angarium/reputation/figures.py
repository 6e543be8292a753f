"""How senders fare: what was sent, refused and complained of, over a rolling hour, day and week. Pure.

Start with ``Figures``. Knows nothing of events and of the disk: ``figure_keepsakes`` has what is written.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

import msgspec

from angarium.queue.model import UnixMs

Kind = Literal["source", "provider", "path", "tenant", "stream", "campaign", "domain"]
Window = Literal["hour", "day", "week"]
WINDOWS: Final[tuple[Window, ...]] = ("hour", "day", "week")
_MINUTE_MS: Final = 60_000
# Of each window: how wide its buckets are, and how many cover it. Ours: it slides by a twelfth or less
SPANS: Final[Mapping[Window, tuple[int, int]]] = {
    "hour": (5 * _MINUTE_MS, 12),
    "day": (60 * _MINUTE_MS, 24),
    "week": (12 * 60 * _MINUTE_MS, 14),
}
# Ours, of each kind: some 60 MB when all are there and busy. The one that was quiet longest is forgotten
LIMITS: Final[Mapping[Kind, int]] = {
    "source": 256,
    "provider": 500,
    "path": 1000,
    "tenant": 1000,
    "stream": 1000,
    "campaign": 500,
    "domain": 1000,
}
# Ours, of one bucket: there are more classes, but never so many of one sender at once
MEASURES_LIMIT: Final = 24
_OTHER: Final = "other"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whose mail it is: a path is "ip1 at gmail", a stream "tenant/stream"."""

    kind: Kind
    name: str


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Of recipients, within one window."""

    delivered: int = 0
    deferred: dict[str, int] = {}  # attempts, by class
    bounced: dict[str, int] = {}  # given up, by class
    returned: dict[str, int] = {}  # by class: taken first, and sent back later
    complained: int = 0
    unsubscribed: int = 0

    @property
    def sent(self) -> int:
        """Those that came to an end: taken or given up."""
        return self.delivered + sum(self.bounced.values())

    @property
    def refusals(self) -> dict[str, int]:
        """Return how many were given up or sent back, by class."""
        return {
            each: self.bounced.get(each, 0) + self.returned.get(each, 0)
            for each in (
                *self.bounced,
                *(each for each in self.returned if each not in self.bounced),
            )
        }


class Book(msgspec.Struct, kw_only=True, array_like=True):
    """What is counted of one subject. On disk as it stands: fields are only ever appended."""

    kind: Kind
    name: str
    # By window, in their order: buckets by their numbers since the epoch, of counts by measure
    buckets: tuple[
        dict[int, dict[str, int]], dict[int, dict[str, int]], dict[int, dict[str, int]]
    ] = msgspec.field(default_factory=lambda: ({}, {}, {}))

    def count(self, at: UnixMs, measure: str, number: int) -> None:
        for window, buckets in zip(WINDOWS, self.buckets, strict=True):
            width, kept = SPANS[window]
            bucket = at // width
            newest = max(buckets, default=bucket)
            if bucket <= newest - kept:
                continue  # it is over already
            if bucket not in buckets:
                for old in [each for each in buckets if each <= bucket - kept]:
                    del buckets[old]
                buckets[bucket] = {}
            counts = buckets[bucket]
            if measure not in counts and len(counts) >= MEASURES_LIMIT:
                measure = f"{measure.partition('.')[0]}.{_OTHER}"
            counts[measure] = counts.get(measure, 0) + number

    def tally(self, window: Window, now: UnixMs) -> Tally:
        width, kept = SPANS[window]
        return self._sum(window, now // width - kept, now // width)

    def recent(self, span_ms: int, now: UnixMs, before_ms: int = 0) -> Tally:
        """Return what there was within a span up to ``before_ms`` ago, rounded up to whole buckets of the finest kind
        that reaches back so far: five minutes within the hour, an hour within the day.
        """
        window = next(
            (each for each in WINDOWS if span_ms + before_ms <= SPANS[each][0] * SPANS[each][1]),
            WINDOWS[-1],
        )
        width, kept = SPANS[window]
        last = now // width - -(-before_ms // width)
        return self._sum(window, max(last - -(-span_ms // width), now // width - kept), last)

    def _sum(self, window: Window, after: int, last: int) -> Tally:
        """Of the buckets behind ``after``, up to ``last``."""
        total: dict[str, int] = {}
        for number, counts in self.buckets[WINDOWS.index(window)].items():
            if after < number <= last:
                for measure, count in counts.items():
                    total[measure] = total.get(measure, 0) + count
        return Tally(
            delivered=total.get("delivered", 0),
            deferred=_by_class(total, "deferred."),
            bounced=_by_class(total, "bounced."),
            returned=_by_class(total, "returned."),
            complained=total.get("complained", 0),
            unsubscribed=total.get("unsubscribed", 0),
        )


class Figures:
    """Invariant FIG1: of each kind at most LIMITS are kept.

    Invariant FIG2: what has changed since it was last written is told once more until it is written.
    """

    def __init__(self) -> None:
        self._books: dict[Kind, OrderedDict[str, Book]] = {each: OrderedDict() for each in LIMITS}
        self._changed: dict[Subject, None] = {}

    def restore(self, books: Iterable[Book]) -> None:
        """Know what was kept, and nothing else; the one that was quiet longest first."""
        self._books = {each: OrderedDict() for each in LIMITS}
        for book in books:
            self._books[book.kind][book.name] = book
        self._changed.clear()

    def count(self, subject: Subject, at: UnixMs, measure: str, number: int = 1) -> None:
        """``measure``: delivered, complained, unsubscribed, or deferred., bounced., returned. and a class."""
        books = self._books[subject.kind]
        book = books.get(subject.name)
        if book is None:
            book = books[subject.name] = Book(kind=subject.kind, name=subject.name)
        books.move_to_end(subject.name)
        book.count(at, measure, number)
        self._changed[subject] = None  # FIG2
        while len(books) > LIMITS[subject.kind]:
            name, _ = books.popitem(last=False)  # FIG1
            self._changed[Subject(kind=subject.kind, name=name)] = None

    def tally(self, subject: Subject, window: Window, now: UnixMs) -> Tally | None:
        """Return what there was within the window up to ``now``; None: nothing is known of the subject."""
        book = self._books[subject.kind].get(subject.name)
        return None if book is None else book.tally(window, now)

    def recent(
        self, subject: Subject, span_ms: int, now: UnixMs, before_ms: int = 0
    ) -> Tally | None:
        """Return what there was within a span, as ``Book.recent`` has it; None: nothing is known of the subject."""
        book = self._books[subject.kind].get(subject.name)
        return None if book is None else book.recent(span_ms, now, before_ms)

    def subjects(self, kind: Kind | None = None) -> Iterator[Subject]:
        """Those of a kind, or all; the latest that had mail first."""
        for each in LIMITS if kind is None else (kind,):
            for name in reversed(self._books[each]):
                yield Subject(kind=each, name=name)

    def changed(self) -> dict[Subject, Book | None]:
        """Return what differs from the disk; None: it is forgotten."""
        return {each: self._books[each.kind].get(each.name) for each in self._changed}

    def written(self) -> None:
        """What ``changed`` returned, without a count since, is on disk."""
        self._changed.clear()


def _by_class(total: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {
        measure.removeprefix(prefix): count
        for measure, count in sorted(total.items())
        if measure.startswith(prefix)
    }

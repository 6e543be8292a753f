"""What became of each event of an era: in a file, let go, coming again, or lost. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from angarium.lake.model import HOUR_MS, Era, Hole
from angarium.lake.naming import FileName
from angarium.lake.rebuilt import Gap, LoggedEvents, RebuiltEra, Stretch

# Ours: of what is missing this many stretches of each kind are named; all are counted
NAMED: Final = 100


class EraAccount:
    """Invariant LEA1: each event of the era behind its start is counted as one of these."""

    def __init__(
        self,
        era: int,
        queue: bytes,
        known: Sequence[FileName],
        broken: Sequence[FileName],
        logged: LoggedEvents | None,
        *,
        is_first: bool,
    ) -> None:
        """``known``: files that count, one at least; ``broken``: what else there was of it. ``is_first``: no earlier
        era is of its queue.
        """
        self._era = era
        self._queue = queue
        both = (*known, *broken)
        self.start = min(each.first for each in both) - 1
        self.position: Final = max(each.last for each in both)
        # An older copy of the queue begins another era
        self.logged: Final = (
            logged if logged is not None and logged.newest >= self.position else None
        )
        if self.logged is not None and is_first:
            # The lake began with the oldest event that there was: this one came later, or was that
            self.start = min(self.start, self.logged.oldest - 1)
        # What is missing of the oldest hour went with the one before: events are nearly in the order of time only
        self._edge_ms = 0 if broken else (min(each.hour for each in known) + 1) * HOUR_MS
        self.holes: Final[list[Hole]] = []
        self.coming: Final[list[Stretch]] = []
        self.lost: Final[list[Stretch]] = []
        self._forgotten = self._filled = self._skipped = self._coming = self._lost = 0

    def take(self, gaps: Iterable[Gap]) -> None:
        """``gaps``: all between start and position."""
        for gap in gaps:
            oldest = self.position + 1 if self.logged is None else self.logged.oldest
            if gap.last >= oldest:
                first = max(gap.first, oldest)
                self.holes.append(Hole(era=self._era, first=first, last=gap.last))
                self._filled += gap.last - first + 1
                self._come(first, gap.last)
            if gap.first < oldest:
                self._miss(gap, min(gap.last, oldest - 1))
        if self.logged is None:
            return
        # Behind all files: the writer finds out by itself
        if self.position + 1 < self.logged.oldest:
            self._lose(self.position + 1, self.logged.oldest - 1)
        first = max(self.position + 1, self.logged.oldest)
        if first <= self.logged.newest:
            self._come(first, self.logged.newest)

    @property
    def rewind(self) -> int | None:
        """Behind which event the log is to give them again."""
        if self.logged is None:
            return None
        return min([self.position, *(each.first - 1 for each in self.holes[:1])])

    def era(self) -> Era:
        return Era(
            id=self._era,
            queue=self._queue,
            start=self.start,
            position=self.position,
            skipped=self._skipped,
            forgotten=self._forgotten,
        )

    def told(self) -> RebuiltEra:
        rows = self.position - self.start - self._skipped - self._forgotten - self._filled  # LEA1
        return RebuiltEra(
            era=self._era,
            first=self.start + 1,
            last=self.position,
            rows=rows,
            forgotten=self._forgotten,
            coming=self._coming,
            lost=self._lost,
        )

    def _miss(self, gap: Gap, last: int) -> None:
        count = last - gap.first + 1
        if gap.begun_ms is not None and gap.begun_ms < self._edge_ms:
            self._forgotten += count
            return
        self._skipped += count
        self._lose(gap.first, last)

    def _come(self, first: int, last: int) -> None:
        self._coming += last - first + 1
        _name(self.coming, Stretch(era=self._era, first=first, last=last))

    def _lose(self, first: int, last: int) -> None:
        self._lost += last - first + 1
        _name(self.lost, Stretch(era=self._era, first=first, last=last))


def _name(named: list[Stretch], stretch: Stretch) -> None:
    if len(named) < NAMED:
        named.append(stretch)

"""Names of files: from them alone it can be told which of them count, should the catalogue be lost. Pure.

``YYYY/MM/DD/HH/<first>-<last>-e<era>-<piece>of<pieces>-r<revision>.parquet``: sequence numbers of the first and the
last event. Without ``HH/`` it is of a whole day. What is written anew from other files has a revision higher than
theirs.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from angarium.lake.model import DAY_HOURS

_NAME: Final = re.compile(
    r"([0-9]{4})/([0-9]{2})/([0-9]{2})/(?:([0-9]{2})/)?"
    r"([0-9]{12,20})-([0-9]{12,20})-e([0-9]{1,9})-([0-9]{1,6})of([0-9]{1,6})-r([0-9]{1,9})\.parquet"
)
_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
# The last hour of the year 9999: a clock that is beyond it is wrong anyway
LAST_HOUR: Final = 70_389_527


class FileName(msgspec.Struct, frozen=True, kw_only=True):
    hour: int
    first: int
    last: int
    era: int
    hours: int = 1  # or DAY_HOURS
    piece: int = 1
    pieces: int = 1  # that were made at once, of the same events
    revision: int = 0

    @property
    def path(self) -> str:
        return (
            f"{folder_of(self.hour, self.hours)}/{self.first:012d}-{self.last:012d}-e{self.era}"
            f"-{self.piece}of{self.pieces}-r{self.revision}.parquet"
        )


def folder_of(hour: int, hours: int = 1) -> str:
    when = _BEGIN + timedelta(hours=min(max(hour, 0), LAST_HOUR))
    return when.strftime("%Y/%m/%d" if hours == DAY_HOURS else "%Y/%m/%d/%H")


def day_of(hour: int) -> int:
    """Return the first hour of its day."""
    return hour - hour % DAY_HOURS


def read_name(path: str) -> FileName | None:
    """None: it is no file of a lake."""
    found = _NAME.fullmatch(path)
    if found is None:
        return None
    year, month, day, hour, *numbers = (int(each or 0) for each in found.groups())
    try:
        when = datetime(year, month, day, hour, tzinfo=UTC)
    except ValueError:
        return None
    first, last, era, piece, pieces, revision = numbers
    name = FileName(
        hour=int((when - _BEGIN).total_seconds()) // 3600,
        hours=DAY_HOURS if found[4] is None else 1,
        first=first,
        last=last,
        era=era,
        piece=piece,
        pieces=pieces,
        revision=revision,
    )
    return name if name.path == path and 1 <= piece <= pieces else None


def newest_revision(paths: Iterable[str], hour: int, era: int) -> int:
    """Return the newest of what there is of an hour, or its day, and an era; 0 where there is nothing."""
    found = [read_name(each) for each in paths]
    return max(
        (
            each.revision
            for each in found
            if each is not None and each.era == era and each.hour in (hour, day_of(hour))
        ),
        default=0,
    )


def counting(names: Iterable[FileName]) -> list[FileName]:
    """Return those that count, of all that are there: the newest whole writing of each event.

    Invariant LN1: of any set of files that a crash can leave, the ones that count have each event once.
    """
    made: dict[tuple[int, ...], dict[int, FileName]] = {}
    for each in names:
        of = (each.hour, each.hours, each.era, each.first, each.last, each.pieces)
        pieces = made.setdefault(of, {})
        known = pieces.get(each.piece)
        if known is None or known.revision < each.revision:
            pieces[each.piece] = each
    named = made.items()
    whole = [list(each.values()) for (*_, number), each in named if len(each) == number]  # LN1
    # What was made of others is newer than they, and covers them
    whole.sort(key=lambda group: -max(each.revision for each in group))
    counted: list[FileName] = []
    spans: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
    for group in whole:
        one = group[0]
        taken = spans.setdefault((one.hour, one.hours, one.era), [])
        # A day's was made of all files of its hours that there were, and what came later has higher numbers
        of_day = spans.get((day_of(one.hour), DAY_HOURS, one.era), [])
        if any(first <= one.first and one.last <= last for first, last in (*taken, *of_day)):  # LN1
            continue
        taken.append((one.first, one.last))
        counted += group
    return sorted(counted, key=lambda each: each.path)

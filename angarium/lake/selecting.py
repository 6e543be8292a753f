"""Decides which of the files that are there count, each event once: by what their names say, and by what is in them.

The names alone are right about whatever a crash leaves (LN1). What is in the files is asked beside them, as files may
be lost or broken, or brought here by hand, since. Blocks.

Invariant LSE1: no event is in two files that count; and no file is left of which no event is in one that does.
"""

from collections.abc import Iterable, Mapping

from angarium.lake.naming import FileName, counting
from angarium.lake.spans import Spans


def select(names: Mapping[int, FileName], spans: Spans) -> tuple[list[int], dict[int, int]]:
    """Return the numbers of those that count, of all that can be read and are in ``spans``; and of each other one how
    many of its events are in one that counts (LSE1). Raises LakeAwayError.
    """
    eras = {each.era for each in names.values()}
    numbers = {each.path: number for number, each in names.items()}
    counted = {numbers[each.path] for each in counting(names.values())}
    _part(names, spans, eras, counted)
    while True:
        spans.count(counted)
        shared: dict[int, int] = {}
        for era in eras:
            shared |= spans.shared(era)
        lone = names.keys() - counted - shared.keys()
        if not lone:
            return sorted(counted), shared
        # A part of what was made of others, which is all there is of them
        counted.add(min(lone, key=lambda number: _rank(names[number])))  # LSE1


def _part(
    names: Mapping[int, FileName], spans: Spans, eras: Iterable[int], counted: set[int]
) -> None:
    """Take out what has an event that another one has, too: no crash leaves that, but somebody may copy files."""
    while True:
        spans.count(counted)
        pairs = [pair for era in eras for pair in spans.overlapping(era)]
        if not pairs:
            return
        counted -= {max(pair, key=lambda number: _rank(names[number])) for pair in pairs}  # LSE1


def _rank(name: FileName) -> tuple[int, int, str]:
    """The lower, the rather it counts."""
    return (-name.revision, -name.hours, name.path)

"""Records of a CSV file: lists of cells, and where each ends in the file. Sans-IO: octets are pulled.

The standard library's reader takes lines apart; what is here counts them, and begins anew where it comes to nothing.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from angarium.tables.lines import Lines, Problem, ends, lines_of
from angarium.tables.model import Position, Shape, TableLimits

PIECE_OCTETS: Final = 262_144

# Given how many octets to read; b"" at the end of the file
Pull = Callable[[int], bytes]


class Spoiled(msgspec.Struct, frozen=True, kw_only=True):
    """A record that cannot be taken."""

    problem: Problem
    text: str  # the beginning of it


class Records:
    """Yields the cells of each record, or what is wrong with it; an empty line has no cells.

    Invariant TB2: what is read from a position on depends on nothing that was read before.
    Invariant TB3: a record that does not end within the limits takes one line with it, not what follows.
    """

    def __init__(
        self, pull: Pull, charset: str, shape: Shape, limits: TableLimits, start: Position
    ) -> None:
        """``pull`` begins at ``start``."""
        self._source = _Source(pull, lines_of(charset, limits.row_octets), limits, start.offset)
        self._reader = csv.reader(self._source, **csv_options(shape))
        self._next_line = start.line
        self.line = start.line  # on which the record begins that was read last

    @property
    def offset(self) -> int:
        """Where the record ends that was read last: octets of the file."""
        return self._source.offset

    @property
    def next_line(self) -> int:
        """The number of the line behind it."""
        return self._next_line

    def __iter__(self) -> Iterator[list[str] | Spoiled]:
        return self

    def __next__(self) -> list[str] | Spoiled:
        source = self._source
        first = source.first = source.at
        try:
            cells = next(self._reader)  # TB2: it begins anew with each record, also behind an error
        except (_CutError, csv.Error) as error:
            return self._spoiled(error)
        first = source.first  # it moves when lines are read on
        self.line = self._next_line
        self._next_line += source.at - first
        if source.problems and (problem := source.find_problem()) is not None:
            return Spoiled(problem=problem, text="".join(source.texts[first : source.at]))
        return cells

    def _spoiled(self, error: Exception) -> Spoiled:
        source = self._source
        lines = source.texts[source.first : source.at]
        source.at = source.first + 1  # TB3
        self.line = self._next_line
        self._next_line += 1
        problem = source.problems.get(source.first)
        if problem is None:
            problem = error.problem if isinstance(error, _CutError) else _unreadable(error)
        return Spoiled(problem=problem, text="".join(lines[:2]))


def csv_options(shape: Shape) -> dict[str, Any]:
    """Return it in the terms of the standard library's reader."""
    return {
        "delimiter": shape.delimiter,
        "quotechar": shape.quote or None,
        "quoting": csv.QUOTE_MINIMAL if shape.quote else csv.QUOTE_NONE,
        "escapechar": shape.escape or None,
        "doublequote": shape.doubles,
    }


class _CutError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


class _Source:
    """Lines for the standard library's reader, which asks for as many as a record has."""

    def __init__(self, pull: Pull, lines: Lines, limits: TableLimits, start: int) -> None:
        self._pull = pull
        self._lines = lines
        self._most_lines = limits.row_lines
        self._most_octets = limits.row_octets
        self._ends: list[int] = []  # of the file's octets, where each of ``texts`` ends
        self._start = start  # where the first of them begins
        self._is_over = False
        self.texts: Sequence[str] = ()  # from the first of the present record on, or before
        self.problems: dict[int, Problem] = {}  # of them, by index
        self.first = 0  # with which the present record begins
        self.at = 0  # the next one to be given

    @property
    def offset(self) -> int:
        return self._ends[self.at - 1] if self.at else self._start

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        at = self.at
        if at == len(self.texts):
            if not self._fill():
                if self.at > self.first:
                    reason = "a quote is opened and not closed: close it, or write it twice"
                    raise _CutError(Problem("quote", reason))
                raise StopIteration
            at = self.at
        if at > self.first:
            self._check(at)
        self.at = at + 1
        return self.texts[at]

    def find_problem(self) -> Problem | None:
        """Return the first one of the present record."""
        for at in range(self.first, self.at):
            if at in self.problems:
                return self.problems[at]
        return None

    def _check(self, at: int) -> None:
        """Raises _CutError: the record would be larger than one may be."""
        begins = self._ends[self.first - 1] if self.first else self._start
        if at - self.first >= self._most_lines:
            reason = f"a quote is opened and not closed within {self._most_lines} lines: close it"
            raise _CutError(Problem("quote", reason))
        if self._ends[at] - begins > self._most_octets:
            reason = f"is longer than {self._most_octets} octets; or a quote in it is not closed"
            raise _CutError(Problem("too long", reason))

    def _fill(self) -> bool:
        """Read on, and forget what is before the present record. False: there is nothing more."""
        while not self._is_over:
            piece = self._pull(PIECE_OCTETS)
            self._is_over = not piece
            batch = self._lines.receive(piece, is_last=self._is_over)
            if not batch.texts:
                continue
            gone = self.first
            if gone:
                self._start = self._ends[gone - 1]
            kept = self._ends[gone:]
            last = kept[-1] if kept else self._start
            self._ends = kept + ends(batch.octets, last)
            moved = {at - gone: each for at, each in self.problems.items() if at >= gone}
            moved.update({at + len(kept): each for at, each in batch.problems.items()})
            self.problems = moved
            self.texts = [*self.texts[gone:], *batch.texts]
            self.first, self.at = 0, self.at - gone
            return True
        return False


def _unreadable(error: Exception) -> Problem:
    return Problem("too long", f"cannot be read: {error}")

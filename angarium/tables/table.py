"""The rows of a file, from any position on, each good or with what is wrong with it. Blocks on disk."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

from angarium.content.letter import LetterError
from angarium.content.mailbox import read_mailbox
from angarium.tables.lines import Problem
from angarium.tables.model import BadRow, Layout, Position, Row, TableLimits, printable
from angarium.tables.records import Records, Spoiled
from angarium.tables.seen import Seen

_USUAL: Final = TableLimits()


class Table:
    """A file, and how it is to be read. Whoever changes the file meanwhile reads something else."""

    def __init__(self, path: Path, layout: Layout, limits: TableLimits = _USUAL) -> None:
        self.path: Final = path
        self.layout: Final = layout
        self._limits = limits

    def rows(self, after: Position | None = None, seen: Seen | None = None) -> "Rows":
        """Begin to read: at the first row, or where ``Rows.position`` was. Raises OSError.

        ``seen``: an empty one; then an address that comes again is a bad row. What is before ``after`` is read for it,
        which takes as long as the first time.
        """
        start = self.layout.start
        if seen is None or after is None or after == start:
            return Rows(self.path.open("rb"), self.layout, self._limits, after or start, seen)
        with Rows(self.path.open("rb"), self.layout, self._limits, start, seen) as before:
            for _ in before:
                if before.position.offset >= after.offset:
                    break
        return Rows(self.path.open("rb"), self.layout, self._limits, after, seen)


class Rows:
    """Yields rows, and knows where it is. To be closed, or used as a context.

    Invariant TB4: the rows behind a position are the same, whoever begins there, and whenever.
    """

    def __init__(
        self,
        file: BinaryIO,
        layout: Layout,
        limits: TableLimits,
        start: Position,
        seen: Seen | None,
    ) -> None:
        """Owns the file."""
        self._file = file
        file.seek(start.offset)
        self._records = Records(file.read, layout.charset, layout.shape, limits, start)
        self._columns = layout.columns
        self._delimiter = layout.shape.delimiter
        self._address = layout.columns[layout.address]
        self._most = limits.rows
        self._number = start.number
        self._seen = seen

    @property
    def position(self) -> Position:
        """Behind the row that was yielded last."""
        records = self._records
        return Position(offset=records.offset, line=records.next_line, number=self._number)  # TB4

    def __iter__(self) -> Iterator[Row | BadRow]:
        return self

    def __next__(self) -> Row | BadRow:
        """Raises OSError."""
        columns = self._columns
        if self._number > self._most:
            raise StopIteration
        for cells in self._records:
            if self._number == self._most and cells:
                reason = f"the table has more than {self._most} rows: what follows is not read"
                return self._bad(Problem("too many", reason), "")
            if isinstance(cells, Spoiled):
                return self._bad(cells.problem, cells.text)
            if not any(cells):
                continue
            if len(cells) != len(columns):
                reason = f"has {len(cells)} fields, and there are {len(columns)} columns"
                return self._bad(Problem("fields", reason), self._joined(cells))
            variables = dict(zip(columns, cells, strict=True))
            written = variables.pop(self._address).strip()
            if not written:
                return self._bad(Problem("address", "has no address"), self._joined(cells))
            try:
                mailbox = read_mailbox(written, self._address)
            except LetterError as error:
                return self._bad(Problem("address", error.reason), self._joined(cells))
            line = self._records.line
            if self._seen is not None:
                before = self._seen.note(mailbox.address.text, line)
                if before:
                    reason = f"has the address of line {before} again"
                    return self._bad(Problem("duplicate", reason), self._joined(cells))
            self._number += 1
            return Row(number=self._number, line=line, mailbox=mailbox, variables=variables)
        raise StopIteration

    def _bad(self, problem: Problem, text: str) -> BadRow:
        self._number += 1
        return BadRow(
            number=self._number,
            line=self._records.line,
            flaw=problem.flaw,
            reason=problem.reason,
            text=printable(text),
        )

    def _joined(self, cells: Sequence[str]) -> str:
        return self._delimiter.join(cells)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "Rows":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

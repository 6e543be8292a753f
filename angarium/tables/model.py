"""What a table is, and what is read of it. Pure values; each may be kept, and works the same when it is read again."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from angarium.content.letter import Mailbox

# Of a row, what is shown with what is wrong with it
SHOWN_CHARACTERS: Final = 200

Flaw = Literal[
    "address",  # it is none, or is missing
    "fields",  # more or fewer than there are columns
    "charset",  # octets that are no characters
    "nul",
    "quote",  # one that is opened and does not end
    "too long",
    "duplicate",  # the address was there before
    "too many",  # rows: what follows is not read
]


class TableError(Exception):
    """The file is no table that can be read; nothing of it is. For whoever wrote it: where, and what to do."""

    def __init__(self, reason: str, *, field: str = "", line: int = 0, column: int = 0) -> None:
        place = f"line {line}" + (f", column {column}" if column else "")
        super().__init__(f"{place}: {reason}" if line else reason)
        self.reason = reason
        self.field = field  # of ``Wish``, if it is at fault
        self.line = line  # from 1; 0: of the whole
        self.column = column  # likewise


class TableLimits(msgspec.Struct, frozen=True, kw_only=True):
    # Ours: what one recipient's data may have in an order (``intake.order_check``), and csv takes of a field
    row_octets: int = 131_072
    row_lines: int = 500  # of cells with line ends; bounds how much is read anew behind a quote that does not end
    columns: int = 500
    name_characters: int = 128  # of a column
    rows: int = 50_000_000


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How cells are written."""

    delimiter: str = ","
    quote: str = '"'  # "": none
    escape: str = ""  # what takes the meaning of the character behind it; "": none
    doubles: bool = True  # a quote between quotes is written twice


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a file beforehand; all else is found out."""

    charset: str = ""
    delimiter: str = ""
    quote: str | None = None  # None: the usual one; "": none
    escape: str = ""
    columns: tuple[str, ...] = ()  # their names, of a file without a header
    address: str = ""  # the name of the column that has the addresses


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A place between two rows."""

    offset: int  # octets of the file before it
    line: int  # the number of the line that begins here, from 1
    number: int  # rows before it, good and bad


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """All that has to be known of a file to read it."""

    charset: str  # a name of Python's
    shape: Shape
    columns: tuple[str, ...]
    address: int  # which of them, from 0
    start: Position  # of the first row

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the other columns."""
        return self.columns[: self.address] + self.columns[self.address + 1 :]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    number: int  # from 1: header and blank lines do not count, bad rows do
    line: int  # on which it begins, from 1
    mailbox: Mailbox
    variables: Mapping[str, str]  # by the names of the other columns; as written, blanks included

    @property
    def address(self) -> str:
        return self.mailbox.address.text


class BadRow(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    line: int
    flaw: Flaw
    reason: str  # for people: what is wrong, and what to do
    text: str  # the beginning of the row, printable


def printable(text: str) -> str:
    """Return the beginning of what a stranger wrote, without what terminals take amiss."""
    cut = text[:SHOWN_CHARACTERS].rstrip("\r\n")
    return "".join(each if each.isprintable() else "?" for each in cut)

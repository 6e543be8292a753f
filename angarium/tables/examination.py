"""What a file is: its charset, how cells are separated, its columns, and its first rows. Blocks on disk."""

import os
import re
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from angarium.content.letter import LetterError
from angarium.content.mailbox import read_mailbox
from angarium.tables.charset import Charset, check_is_text, find_charset, read_charset
from angarium.tables.detection import find_shape
from angarium.tables.header import find_address, read_columns
from angarium.tables.lines import lines_of
from angarium.tables.model import (
    BadRow,
    Layout,
    Position,
    Row,
    TableError,
    TableLimits,
    Wish,
    printable,
)
from angarium.tables.records import Records, Spoiled
from angarium.tables.table import Table

BEGINNING_OCTETS: Final = 262_144
_PLACES: Final = 16  # further on
_PLACE_OCTETS: Final = 32_768
ROWS: Final = 10
_UNSAID: Final = Wish()
_USUAL: Final = TableLimits()
# As Excel writes it in front of the header
_SEPARATOR: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    layout: Layout
    is_charset_sure: bool  # else it was guessed
    octets: int  # of the file
    rows: tuple[Row | BadRow, ...]  # the first ones


def examine(
    path: Path, wish: Wish = _UNSAID, limits: TableLimits = _USUAL, *, rows: int = ROWS
) -> Examined:
    """Find out what is not said in ``wish``. Raises TableError: it cannot be read; OSError."""
    with path.open("rb") as file:
        octets = os.fstat(file.fileno()).st_size
        beginning = file.read(BEGINNING_OCTETS)
        check_is_text(beginning)
        charset = _charset(file, beginning, octets, wish)
        layout = _layout(file, beginning, charset, wish, limits)
    with Table(path, layout, limits).rows() as found:
        first = tuple(row for row, _ in zip(found, range(rows), strict=False))
    return Examined(layout=layout, is_charset_sure=charset.is_sure, octets=octets, rows=first)


def _charset(file: BinaryIO, beginning: bytes, octets: int, wish: Wish) -> Charset:
    if wish.charset:
        return read_charset(wish.charset, beginning)
    behind = octets - len(beginning)
    places = []
    for index in range(_PLACES if behind > 0 else 0):
        file.seek(len(beginning) + behind * index // _PLACES)
        places.append(file.read(_PLACE_OCTETS))
    return find_charset(beginning, places, is_whole=behind <= 0)


def _layout(
    file: BinaryIO, beginning: bytes, charset: Charset, wish: Wish, limits: TableLimits
) -> Layout:
    start = Position(offset=charset.mark_octets, line=1, number=0)
    head = lines_of(charset.name, limits.row_octets).receive(
        beginning[start.offset :], is_last=len(beginning) < BEGINNING_OCTETS
    )
    texts = head.texts
    if texts and (said := _SEPARATOR.fullmatch(texts[0])) is not None:
        start = Position(offset=start.offset + head.octets[0], line=2, number=0)
        texts = texts[1:]
        if not wish.delimiter:
            wish = msgspec.structs.replace(wish, delimiter=said[1])
    shape = find_shape(texts, wish)
    file.seek(start.offset)
    records = Records(file.read, charset.name, shape, limits, start)
    if wish.columns:
        columns = read_columns(wish.columns, 0, limits)
        address = find_address(columns, wish.address, 0)
    elif _is_address_alone(cells := _first(records)):
        columns, address = ("email",), 0
    else:
        columns = _header(cells, records, limits)
        start = Position(offset=records.offset, line=records.next_line, number=0)
        address = find_address(columns, wish.address, records.line)
    return Layout(charset=charset.name, shape=shape, columns=columns, address=address, start=start)


def _first(records: Records) -> list[str]:
    for cells in records:
        if isinstance(cells, Spoiled):
            text = f"the first line {cells.problem.reason}: {printable(cells.text)[:40]}"
            raise TableError(text, line=records.line)
        if any(each.strip() for each in cells):
            return cells
    raise TableError("the file is empty")


def _header(cells: list[str], records: Records, limits: TableLimits) -> tuple[str, ...]:
    if any(_is_address(each) for each in cells):
        text = "there is no header: write the names of the columns into a first line, or say them"
        raise TableError(text, line=records.line, field="columns")
    return read_columns(cells, records.line, limits)


def _is_address_alone(cells: list[str]) -> bool:
    return len(cells) == 1 and _is_address(cells[0])


def _is_address(cell: str) -> bool:
    try:
        read_mailbox(cell.strip(), "")
    except LetterError:
        return False
    return True

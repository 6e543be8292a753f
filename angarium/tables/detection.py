"""How the cells of a file are separated, by its first records. Pure."""

import csv
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.tables.model import Shape, TableError, Wish
from angarium.tables.records import csv_options

DELIMITERS: Final = ",;\t|"
_RECORDS: Final = 100  # that are looked at
_UNFIT: Final = "\r\n\0"


def find_shape(lines: Sequence[str], wish: Wish) -> Shape:
    """Return how cells are written. ``lines``: the first ones, with their ends. Raises TableError."""
    known = _read_shape(wish)
    if wish.delimiter:
        return known
    best, most = known, (0.0, 0)
    for delimiter in DELIMITERS:
        shape = msgspec.structs.replace(known, delimiter=delimiter)
        rating = _rate(lines, shape)
        if rating > most:
            best, most = shape, rating
    return best


def _read_shape(wish: Wish) -> Shape:
    quote = '"' if wish.quote is None else wish.quote
    marks = {"delimiter": wish.delimiter, "quote": quote, "escape": wish.escape}
    for name, mark in marks.items():
        if len(mark) > 1 or (mark and (mark in _UNFIT or not mark.isascii())):
            text = f"{name}: write one ASCII character that ends no line"
            raise TableError(text, field=name)
    given = [each for each in marks.values() if each]
    if wish.delimiter == " " or len(set(given)) < len(given):
        text = "delimiter: must be no blank, and neither the quote nor the escape character"
        raise TableError(text, field="delimiter")
    return Shape(
        delimiter=wish.delimiter or ",",
        quote=quote,
        escape=wish.escape,
        # Who escapes quotes writes a quote twice hardly ever; both are understood
        doubles=True,
    )


def _rate(lines: Sequence[str], shape: Shape) -> tuple[float, int]:
    """Return how alike the records are, and how many cells most of them have: more is better."""
    counts: Counter[int] = Counter()
    try:
        for cells in csv.reader(lines, **csv_options(shape)):
            if any(cells):
                counts[len(cells)] += 1
            if counts.total() >= _RECORDS:
                break
    except csv.Error:
        return (0.0, 0)
    if not counts:
        return (0.0, 0)
    count, records = max(counts.items(), key=lambda each: (each[1], each[0]))
    return (records / counts.total() if count > 1 else 0.0, count)

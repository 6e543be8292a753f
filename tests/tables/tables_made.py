"""Files of tables, as other programs write them, and all that is read of them."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from angarium.tables import BadRow, Position, Row, Seen, Table, TableLimits, Wish, examine


def written(rows: Sequence[Sequence[str]], charset: str = "utf-8", **dialect: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows(rows)
    return text.getvalue().encode(charset)


def table(path: Path, octets: bytes, wish: Wish | None = None, **limits: int) -> Table:
    path.write_bytes(octets)
    bounds = TableLimits(**limits)
    return Table(path, examine(path, wish or Wish(), bounds).layout, bounds)


def read(
    found: Table, after: Position | None = None, seen: Seen | None = None
) -> list[Row | BadRow]:
    with found.rows(after, seen) as rows:
        return list(rows)


def flaws(found: Table, seen: Seen | None = None) -> list[tuple[int, str]]:
    """The lines of bad rows, and what is wrong with them."""
    return [(each.line, each.flaw) for each in read(found, seen=seen) if isinstance(each, BadRow)]


def addresses(found: Table) -> list[str]:
    return [each.address for each in read(found) if isinstance(each, Row)]

"""CSV that spreadsheets may be given: RFC 4180, and no cell is taken for a formula. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

# What a spreadsheet takes for a formula, whatever stands behind it (P7)
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")


def harmless(cell: str) -> str:
    """What a spreadsheet would reckon with gets an apostrophe in front; what looks like that already, one more."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """Take back what ``harmless`` did."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def csv_octets(rows: Iterable[Sequence[str]]) -> bytes:
    """Return lines in UTF-8; cells are made harmless."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [[harmless(cell) for cell in row] for row in rows]
    )
    return text.getvalue().encode("utf-8", "replace")

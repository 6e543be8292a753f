"""Tables of recipients, read from CSV files of any size.

Start with ``examine`` (what a file is: charset, delimiter, columns) and ``Table`` (its rows, from any position on).
This package knows nothing of who uploaded the file, nor of what is sent to whom.
"""

from angarium.tables.examination import Examined, examine
from angarium.tables.model import (
    BadRow,
    Flaw,
    Layout,
    Position,
    Row,
    Shape,
    TableError,
    TableLimits,
    Wish,
)
from angarium.tables.seen import Seen
from angarium.tables.table import Rows, Table

__all__ = [
    "BadRow",
    "Examined",
    "Flaw",
    "Layout",
    "Position",
    "Row",
    "Rows",
    "Seen",
    "Shape",
    "Table",
    "TableError",
    "TableLimits",
    "Wish",
    "examine",
]

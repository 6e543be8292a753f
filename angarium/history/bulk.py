"""Statements for many rows at a time, handed to the driver as they are.

SQLAlchemy's care of each value costs as much as SQLite does.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect


class Bulk:
    """One statement. A row is a tuple of its values, in the order of ``names``, as the driver takes them."""

    def __init__(self, statement: sa.Insert | sa.Update | sa.Delete, names: Sequence[str]) -> None:
        self._statement = statement
        self._names = list(names)
        self._texts: dict[str, str] = {}  # by dialect

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        dialect = connection.dialect
        text = self._texts.get(dialect.name)
        if text is None:
            text = self._texts[dialect.name] = self._text(dialect)
        connection.exec_driver_sql(text, list(rows))

    def _text(self, dialect: Dialect) -> str:
        style = "qmark" if dialect.name == "sqlite" else "format"
        make: Any = type(dialect)
        compiled = self._statement.compile(dialect=make(paramstyle=style))
        # What a row's values mean
        assert compiled.positiontup == self._names
        return str(compiled)


def inserting(table: sa.Table) -> Bulk:
    """A row is all of the table's columns."""
    return Bulk(sa.insert(table), [each.name for each in table.columns])

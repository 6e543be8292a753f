"""Tables on a terminal, as JSON and as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Final

import click
import msgspec

Row = Mapping[str, object]
# What a spreadsheet would take for a formula (P7)
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def print_json(value: object) -> None:
    click.echo(msgspec.json.encode(value))


def print_csv(columns: Sequence[str], rows: Sequence[Row]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_cell(row.get(each)) for each in columns] for row in rows])
    click.echo(text.getvalue(), nl=False)


def print_table(columns: Mapping[str, str], rows: Sequence[Row]) -> None:
    """``columns``: each with its heading; numbers stand right."""
    shown = [[_shown(row.get(each)) for each in columns] for row in rows]
    numbers = [
        all(isinstance(row.get(each), int | float) for row in rows) and bool(rows)
        for each in columns
    ]
    widths = [
        max(len(heading), *(len(line[at]) for line in shown), 0)
        for at, heading in enumerate(columns.values())
    ]
    for line in [list(columns.values()), *shown]:
        cells = [
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, numbers, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "yes" if value else ""
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"
    return value

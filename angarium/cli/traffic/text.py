"""What goes where as a table for people. Text from peers is never taken as markup."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from angarium.insight.traffic_table import ProviderRow, SourceRow, narrowing_text, notes_of
from angarium.queue import UnixMs

_COLUMNS = (
    ("queued", ""),
    ("ready", "dim"),
    ("conn", "cyan"),
    ("sent/min", "green"),
    ("deferred", "yellow"),
    ("bounced", "red"),
)


def traffic_text(rows: Sequence[ProviderRow], now: UnixMs, limit: int | None = None) -> Table:
    """At most ``limit`` lines. Deferred and bounced are of ten minutes, sent of the last one."""
    table = Table(box=SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0))
    table.add_column("provider", no_wrap=True, overflow="ellipsis", max_width=32)
    table.add_column("source", no_wrap=True, overflow="ellipsis", max_width=16)
    for name, style in _COLUMNS:
        table.add_column(name, justify="right", style=style, no_wrap=True, min_width=len(name))
    table.add_column("in force", no_wrap=True, overflow="ellipsis", ratio=1)
    lines = [line for row in rows for line in _lines(row, now)]
    shown = lines if limit is None else lines[: max(limit, 1)]
    for cells in shown:
        table.add_row(*(Text(each) for each in cells))
    if len(shown) < len(lines):
        table.add_row(Text(f"... {len(lines) - len(shown)} more lines: --once prints all"))
    return table


def _lines(row: ProviderRow, now: UnixMs) -> list[list[str]]:
    name = row.provider or "(not known yet)"
    queued = "?" if row.queued is None else _count(row.queued)
    held = [f"{row.held} held"] if row.held else []
    held += [narrowing_text(each, now) for each in row.holds]
    if not row.sources:
        return [[name, "-", queued, *["."] * (len(_COLUMNS) - 1), "; ".join(held)]]
    lines = []
    for number, each in enumerate(row.sources):
        first = [name, each.source, queued] if number == 0 else ["", each.source, ""]
        notes = [*(held if number == 0 else ()), *notes_of(each, now)]
        lines.append([*first, *_cells(each), "; ".join(notes)])
    return lines


def _cells(row: SourceRow) -> list[str]:
    limit = "" if row.limits is None else f"/{row.limits.connections}"
    late = row.windows.ten_minutes
    return [
        _count(row.waiting),
        f"{row.connections}{limit}",
        _count(row.windows.minute.delivered),
        _part(late.deferred, late.recipients),
        _part(late.bounced, late.recipients),
    ]


def _count(number: int) -> str:
    return str(number) if number else "."


def _part(number: int, of: int) -> str:
    return f"{number} ({100 * number // of} %)" if number else "."

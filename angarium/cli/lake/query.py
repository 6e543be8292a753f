"""``postmaster lake query``: SQL over the lake."""

import asyncio
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_DATAERR, EX_TEMPFAIL, EX_USAGE, CommandError
from angarium.cli.lake.access import hand_over, hours_of, making, stretch_options, using_lake
from angarium.config.schema import Config
from angarium.lake.asking.answering import Asked, Asker
from angarium.lake.asking.question import Answer, Problem

_WIDEST: Final = 60


@click.command()
@click.argument("sql")
@click.option("--tenant", help="Only events of this tenant; else of all.")
@stretch_options
@click.option(
    "--limit", type=click.IntRange(1), help="Rows of the answer; usually lake.query_rows."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON: columns and rows.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, with a header.")
@click.option(
    "--parquet",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Into this file, as Parquet.",
)
@config_option
def query(
    sql: str,
    tenant: str | None,
    first: str,
    to: str,
    limit: int | None,
    as_json: bool,
    as_csv: bool,
    target: Path | None,
    config_file: Path,
) -> None:
    """Ask in SQL: one SELECT over the view `events`, in a process that can do nothing else. "-" reads it from stdin."""
    if as_json + as_csv + (target is not None) > 1:
        raise CommandError("--json, --csv and --parquet: give one of them", EX_USAGE)
    first_hour, end_hour = hours_of(first, to)
    asked = Asked(
        sql=sys.stdin.read() if sql == "-" else sql,
        tenant=tenant,
        first_hour=first_hour,
        end_hour=end_hour,
        rows=limit,
    )
    if target is not None:
        _into_file(asked, target, config_file)
        return
    with using_lake(config_file) as (config, _):
        said = _answered(config, asked)
    if as_json:
        click.echo(_as_json(said))
    else:
        rows = msgspec.json.decode(said.rows)
        names = [name for name, _ in said.columns]
        (_print_csv if as_csv else _print_table)(names, rows)
    if said.is_cut:
        click.echo(f"postmaster: only the first {said.count:,} rows: there are more", err=True)


def _into_file(asked: Asked, target: Path, config_file: Path) -> None:
    with using_lake(config_file) as (config, folder), making(folder, ".parquet") as made:
        _answered(config, msgspec.structs.replace(asked, target=made))
        file = made.open("rb")
    with file:
        click.echo(f"{target}: {hand_over(file, target):,} octets")


def _answered(config: Config, asked: Asked) -> Answer:
    """Raises CommandError."""
    said = asyncio.run(Asker(config).ask(asked))
    if isinstance(said, Problem):
        passing = said.kind in ("away", "gone")
        raise CommandError(said.text, EX_TEMPFAIL if passing else EX_DATAERR)
    return said


def _as_json(answer: Answer) -> bytes:
    return msgspec.json.encode(
        {
            "columns": [{"name": name, "type": type_} for name, type_ in answer.columns],
            "rows": msgspec.Raw(answer.rows),
            "truncated": answer.is_cut,
        }
    )


def _print_csv(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([[_text(each) for each in row] for row in rows])


def _print_table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    shown = [[_cut(_text(each)) for each in row] for row in rows]
    widths = [max([len(name), *(len(row[at]) for row in shown)]) for at, name in enumerate(names)]
    right = [
        all(isinstance(row[at], int | float | None) for row in rows) and bool(rows)
        for at in range(len(names))
    ]
    for line in (names, *shown):
        cells = [
            f"{cell:>{width}}" if to_right else f"{cell:<{width}}"
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _cut(text: str) -> str:
    """Of a terminal's line; what would move its cursor is not shown."""
    shown = "".join(each if each.isprintable() else "?" for each in text)
    return shown if len(shown) <= _WIDEST else shown[: _WIDEST - 1] + "…"

"""``postmaster lake export``: the events of some time in one file."""

import asyncio
from pathlib import Path

import click
import msgspec

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_USAGE, CommandError
from angarium.cli.lake.access import hand_over, hours_of, making, stretch_options, using_lake
from angarium.lake.exporting import Form, Wanted
from angarium.lake.exporting import export as export_lake


@click.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv", "json"]),
    help="Usually by the file's name; json is an object a line.",
)
@click.option("--tenant", help="Only events of this tenant; else of all.")
@stretch_options
@click.option("--json", "as_json", is_flag=True, help="Say as JSON what was written.")
@config_option
def export(
    target: Path,
    form: Form | None,
    tenant: str | None,
    first: str,
    to: str,
    as_json: bool,
    config_file: Path,
) -> None:
    """Write the events of a stretch of time to a file."""
    first_hour, end_hour = hours_of(first, to)
    wanted = Wanted(
        form=form or _form_of(target), tenant=tenant, first_hour=first_hour, end_hour=end_hour
    )
    with using_lake(config_file) as (config, folder), making(folder, f".{wanted.form}") as made:
        written = asyncio.run(export_lake(config, wanted, made))
        file = made.open("rb")
    with file:
        hand_over(file, target)
    note_act(config_file, "lake.exported", f"{written} events", tenant=tenant or "")
    if as_json:
        click.echo(msgspec.json.encode({"file": str(target), "events": written}))
    else:
        click.echo(f"{written:,} events are in {target}")


def _form_of(target: Path) -> Form:
    """Raises CommandError."""
    match target.suffix.lower():
        case ".parquet":
            return "parquet"
        case ".csv":
            return "csv"
        case ".json" | ".jsonl" | ".ndjson":
            return "json"
        case _:
            raise CommandError(
                f"{target}: name it .parquet, .csv or .jsonl, or give --format", EX_USAGE
            )

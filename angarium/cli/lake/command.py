"""``postmaster lake``: the group, and what there is of the lake."""

import contextlib
from pathlib import Path

import click
import msgspec

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_DATAERR
from angarium.cli.lake.access import using_lake
from angarium.cli.lake.export import export
from angarium.cli.lake.query import query
from angarium.cli.lake.rebuild import rebuild
from angarium.insight.units import count_text
from angarium.lake.catalogue import Catalogue
from angarium.lake.compacting import Compaction
from angarium.lake.engine import Engine
from angarium.lake.model import HOUR_MS
from angarium.lake.verifying import verify as verify_lake
from angarium.queue.wall_clock import wall_clock
from angarium.telemetry.timestamp import rfc3339


@click.group()
def lake() -> None:
    """Every event in files by the hour and day: SQL over them, exports, and whether all is there."""


lake.add_command(query)
lake.add_command(export)
lake.add_command(rebuild)


@lake.command()
@click.option("--json", "as_json", is_flag=True)
@config_option
def status(as_json: bool, config_file: Path) -> None:
    """How much there is, of which time, and what is yet to be done."""
    with (
        using_lake(config_file) as (config, folder),
        contextlib.closing(Catalogue(folder.path)) as catalogue,
    ):
        files, eras = catalogue.files(), catalogue.eras()
        gone, untouched, holes = catalogue.gone(), catalogue.untouched(), catalogue.holes()
    told = {
        "folder": str(folder.path),
        "files": len(files),
        "events": sum(each.rows for each in files),
        "octets": sum(each.octets for each in files),
        "octets_here": sum(each.octets for each in files if each.is_local),
        "first": rfc3339(min(each.hour for each in files) * HOUR_MS) if files else None,
        "to": rfc3339(max(each.hour + each.hours for each in files) * HOUR_MS) if files else None,
        "not_compacted": sum(each.is_part for each in files),
        "not_in_bucket": sum(not each.is_remote for each in files) if config.lake.bucket else 0,
        "to_be_removed": len(gone),
        "left_out": len(untouched),
        "to_be_written": sum(each.last - each.first + 1 for each in holes),
        "position": eras[-1].position if eras else 0,
        "eras": len(eras),
        "forgotten": sum(each.forgotten for each in eras),
        "skipped": sum(each.skipped for each in eras),
    }
    if as_json:
        click.echo(msgspec.json.encode(told))
        return
    width = max(map(len, told))
    for name, value in told.items():
        shown = f"{value:,}" if isinstance(value, int) else value or "-"
        click.echo(f"{name.replace('_', ' '):<{width}}  {shown}")


@lake.command()
@click.option("--json", "as_json", is_flag=True)
@config_option
def compact(as_json: bool, config_file: Path) -> None:
    """Make one file of those of each hour and day that has passed; the server does it by itself, a while after."""
    before = hours = 0
    with (
        using_lake(config_file) as (_, folder),
        contextlib.closing(Catalogue(folder.path)) as catalogue,
        contextlib.closing(Engine(folder.unfinished())) as engine,
    ):
        compaction = Compaction(folder, catalogue, engine)
        for hour in catalogue.hours_with_parts(wall_clock() // HOUR_MS):
            before += compaction.compact(hour, wall_clock())
            hours += 1
        days = catalogue.days_with_hours(wall_clock() // HOUR_MS)
        for day in days:
            before += compaction.compact_day(day, wall_clock())
    if before:
        note_act(config_file, "lake.compacted", count_text(before, "file"))
    if as_json:
        click.echo(msgspec.json.encode({"hours": hours, "days": len(days), "files": before}))
    else:
        click.echo(f"{hours} hours, {len(days)} days: {before} files were written together")


@lake.command()
@click.option("--json", "as_json", is_flag=True)
@config_option
def verify(as_json: bool, config_file: Path) -> None:
    """Read all files: is each event there exactly once? Exit status 65: not so."""
    with (
        using_lake(config_file) as (_, folder),
        contextlib.closing(Catalogue(folder.path)) as catalogue,
        contextlib.closing(Engine(folder.unfinished())) as engine,
    ):
        found = verify_lake(folder, catalogue, engine)
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        for each in found.eras:
            click.echo(
                f"era {each.era}: events {each.first:,} to {each.last:,}: {each.rows:,} in files,"
                f" {each.unread:,} in the bucket only, {each.forgotten:,} let go, {each.skipped:,} given up or lost,"
                f" {each.coming:,} to come"
            )
        for text in found.problems:
            click.echo(text)
    if found.problems:
        raise click.exceptions.Exit(EX_DATAERR)

"""``postmaster lake rebuild``: the catalogue made anew of the files."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_CONFIG, EX_DATAERR, EX_IOERR, EX_NOINPUT, EX_TEMPFAIL, CommandError
from angarium.cli.progress import octets_or_count
from angarium.cli.queue.file import queue_errors, queue_path
from angarium.config.error import ConfigError
from angarium.config.schema import Config
from angarium.host.owner import acting_as_owner
from angarium.lake.adopting import adopt
from angarium.lake.engine import Engine
from angarium.lake.folder import Folder, lake_folder
from angarium.lake.model import LakeAwayError
from angarium.lake.rebuilding import Rebuilding
from angarium.lake.rebuilt import LoggedEvents, Rebuilt
from angarium.lake.stocktaking import Others, Stocktaking
from angarium.queue import QueueOperator
from angarium.queue.wall_clock import wall_clock
from angarium.service.data_dir import DataDir
from angarium.service.platform.lake_follower import LAKE

# Ours: of each kind, on a terminal
_SHOWN: Final = 20


class _Done(msgspec.Struct, frozen=True, kw_only=True):
    rebuilt: Rebuilt
    others: Others
    aside: Path | None = None  # where a damaged catalogue is kept


@click.command(
    help="Make the catalogue anew of the files in the folder and in the bucket, where it is lost or damaged. The server"
    " is to be stopped. Until it is done the old one stays. Exit status 65: done, and events are lost, or files of the"
    " lake cannot be read."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be found.")
@click.option("--json", "as_json", is_flag=True)
@config_option
def rebuild(dry_run: bool, as_json: bool, config_file: Path) -> None:
    try:
        config = load_for_queue(config_file)
    except ConfigError as error:
        raise CommandError(str(error), EX_CONFIG) from None
    data_dir = DataDir(Path(config.server.data_dir))
    pid = data_dir.find_server()
    if pid is not None:
        raise CommandError(f"a server (pid {pid}) uses the lake: stop it first", EX_TEMPFAIL)
    folder = Folder(lake_folder(config))
    try:
        with queue_errors(), acting_as_owner(data_dir.path):
            folder.make()
            with folder.rewriting():
                done = _rebuild(config, folder, dry_run=dry_run, hidden=as_json)
    except LakeAwayError as error:
        raise CommandError(f"{error}; nothing was changed", EX_IOERR) from None
    told = _told(config, folder, done, dry_run=dry_run)
    if not dry_run:
        note_act(
            config_file,
            "lake.rebuilt",
            str(folder.path),
            **{name: str(told[name]) for name in ("files", "events", "coming", "lost")},
            left_out=str(len(told["left_out"])),
        )
    if as_json:
        click.echo(msgspec.json.encode(told))
    else:
        _print(told)
    if not done.rebuilt.is_whole:
        raise click.exceptions.Exit(EX_DATAERR)


def _rebuild(config: Config, folder: Folder, *, dry_run: bool, hidden: bool) -> _Done:
    """Raises LakeAwayError, CommandError, and what ``queue_errors`` knows."""
    with (
        _queue(config) as operator,
        contextlib.closing(Engine(folder.unfinished())) as engine,
        octets_or_count("files", hidden=hidden) as tell,
    ):
        rebuilding = Rebuilding(engine, None if operator is None else _logged(operator))
        stocktaking = Stocktaking(folder, engine, rebuilding)
        others = asyncio.run(stocktaking.everywhere(config.lake, tell))
        rebuilt = rebuilding.conclude()
        if not rebuilt.found.files:
            left = "".join(
                f"; {each.path}: {each.reason}" for each in rebuilt.found.untouched[:_SHOWN]
            )
            text = f"{folder.path}: no file of a lake is there{left}; nothing was changed"
            raise CommandError(text, EX_NOINPUT)
        if dry_run:
            return _Done(rebuilt=rebuilt, others=others)
        if operator is not None and rebuilt.rewind is not None:
            # First: with the old catalogue it only reads some events again and passes them over
            operator.rewind(LAKE, rebuilt.rewind)
        return _Done(
            rebuilt=rebuilt, others=others, aside=adopt(folder, rebuilt.found, wall_clock())
        )


@contextlib.contextmanager
def _queue(config: Config) -> Iterator[QueueOperator | None]:
    """Yield the queue, if there is one: where a machine was lost there is none yet."""
    try:
        operator = QueueOperator.open(queue_path(config), config.queue, wall_clock)
    except FileNotFoundError:
        yield None
        return
    try:
        yield operator
    finally:
        operator.close()


def _logged(operator: QueueOperator) -> LoggedEvents | None:
    cursor = operator.find_cursor(LAKE)
    if cursor is None or not cursor.state:
        return None
    first, newest = operator.read_events(0, 1), operator.last_event()
    return LoggedEvents(
        queue=cursor.state, oldest=first[0].sequence if first else newest + 1, newest=newest
    )


def _told(config: Config, folder: Folder, done: _Done, *, dry_run: bool) -> dict[str, Any]:
    rebuilt = done.rebuilt
    files = rebuilt.found.files
    return {
        "dry_run": dry_run,
        "folder": str(folder.path),
        "bucket": config.lake.bucket,
        "files": len(files),
        "files_here": sum(each.is_local for each in files),
        "events": sum(each.rows for each in files),
        "replaced": len(rebuilt.found.gone),
        "eras": [msgspec.to_builtins(each) for each in rebuilt.eras],
        "forgotten": sum(each.forgotten for each in rebuilt.eras),
        "coming": sum(each.coming for each in rebuilt.eras),
        "coming_stretches": [msgspec.to_builtins(each) for each in rebuilt.coming],
        "lost": sum(each.lost for each in rebuilt.eras),
        "lost_stretches": [msgspec.to_builtins(each) for each in rebuilt.lost],
        "left_out": [msgspec.to_builtins(each) for each in rebuilt.found.untouched],
        "others": done.others.count,
        "other_names": list(done.others.names),
        "damaged_catalogue": None if done.aside is None else str(done.aside),
    }


def _print(told: dict[str, Any]) -> None:
    count = "would count" if told["dry_run"] else "count"
    click.echo(
        f"{told['files']:,} files {count}, {told['files_here']:,} of them here: {told['events']:,} events."
    )
    for each in told["eras"]:
        click.echo(
            f"era {each['era']}: events {each['first']:,} to {each['last']:,}: {each['rows']:,} in files,"
            f" {each['forgotten']:,} let go, {each['coming']:,} to come, {each['lost']:,} lost"
        )
    if told["replaced"]:
        click.echo(f"{told['replaced']:,} files that others were made of will be removed.")
    if told["coming"]:
        click.echo(
            f"The event log has {told['coming']:,} events that no file has: the server writes them once it"
            f" runs. {_stretches(told['coming_stretches'])}"
        )
    if told["lost"]:
        click.echo(
            f"{told['lost']:,} events are in no file, and the event log has them no more."
            f" {_stretches(told['lost_stretches'])}"
        )
    for each in told["left_out"]:
        click.echo(f"left out, and left: {each['path']}: {each['reason']}")
    for name in told["other_names"][:_SHOWN]:
        click.echo(f"not of the lake, and left: {name}")
    if told["others"] > _SHOWN:
        click.echo(f"and {told['others'] - _SHOWN:,} more")
    if told["damaged_catalogue"]:
        click.echo(f"The damaged catalogue is kept in {told['damaged_catalogue']}.")


def _stretches(stretches: list[dict[str, int]]) -> str:
    named = [f"era {each['era']}: {each['first']} to {each['last']}" for each in stretches[:_SHOWN]]
    return f"({'; '.join(named)}{'; ...' if len(stretches) > _SHOWN else ''})"

"""``postmaster queue verify`` and ``new``: whether the disk has damaged the queue, and a way on if it has."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_DATAERR, EX_OK, EX_TEMPFAIL, EX_USAGE, CommandError
from angarium.config.schema import Config
from angarium.queue.wall_clock import wall_clock


@click.command(
    help="Read the whole queue and name what is damaged. A server may run; it takes a minute for some gigabytes."
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def verify(config_file: Path, as_json: bool) -> int:
    import msgspec

    from angarium.cli.progress import octets_progress
    from angarium.insight.units import count_text, octets_text
    from angarium.queue import verify as verify_queue

    with (
        _queue(config_file) as (config, path),
        octets_progress("reading", hidden=as_json) as progress,
    ):
        found = verify_queue(path, config.queue, progress)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2))
        return EX_DATAERR if found.faults else EX_OK
    for finding in found.findings:
        click.echo(finding)
    if (more := found.faults + found.set_aside - len(found.findings)) > 0:
        click.echo(f"and {more} more")
    if not found.is_whole:
        click.echo(
            "Pages of the file are damaged, so no record was read: put a copy of the directory back, or begin anew"
            " with `postmaster queue new`."
        )
    click.echo(
        f"{count_text(found.pages, 'page')}, {count_text(found.messages, 'message')} of"
        f" {octets_text(found.octets)}, {count_text(found.recipients, 'recipient')},"
        f" {count_text(found.events, 'event')}: {count_text(found.faults, 'fault')},"
        f" {count_text(found.set_aside, 'recipient')} set aside"
    )
    return EX_DATAERR if found.faults else EX_OK


@click.command(
    help="Begin anew where the queue's file is damaged. What is there is kept beside it, under another name."
)
@config_option
@click.option("--dry-run", is_flag=True, help="Only say what is damaged, and what would be done.")
def new(config_file: Path, dry_run: bool) -> int:
    from angarium.queue import SoundQueueError, begin_anew
    from angarium.service.data_dir import DataDir
    from angarium.service.instance import InstanceFiles

    with _queue(config_file) as (config, path):
        pid = DataDir(path.parent).find_server()
        if pid is not None and not dry_run:
            raise CommandError(f"a server (pid {pid}) uses the queue: stop it first", EX_TEMPFAIL)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            renewed = begin_anew(path, config.queue, stamp, dry_run=dry_run)
        except SoundQueueError as error:
            raise CommandError(str(error), EX_USAGE) from None
        if not dry_run:
            # On purpose there are fewer events than there were
            InstanceFiles(path.parent).adopt(wall_clock())
    would = "would be kept" if dry_run else "is kept"
    click.echo(f"The queue is damaged: {renewed.why}. It {would} in {renewed.kept}.")
    if not dry_run:
        note_act(config_file, "queue.begun_anew", str(renewed.kept), reason=renewed.why)
        click.echo("There is an empty queue now: start the server.")
    return EX_OK


@contextmanager
def _queue(config_file: Path) -> Iterator[tuple[Config, Path]]:
    """Give the configuration and the directory of its queue, which is there. Raises CommandError."""
    from angarium.cli.queue.file import queue_errors, queue_path
    from angarium.config.loader import load
    from angarium.host.owner import acting_as_owner

    config = load(config_file)
    path = queue_path(config)
    with queue_errors(), acting_as_owner(path.parent):
        if not path.exists():
            raise FileNotFoundError(f"no queue in {path}")
        yield config, path

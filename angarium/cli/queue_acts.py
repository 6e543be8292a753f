"""What changes the queue: retry, hold, release, cancel. Each refuses an empty filter and has a dry run."""

import json
import os
import pwd
import socket
from pathlib import Path
from typing import Final

import click

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_NOINPUT, EX_OK
from angarium.cli.progress import count_progress
from angarium.cli.queue_access import open_queue
from angarium.cli.queue_filter import filter_options
from angarium.queue import Act, Actor, Filter, delivery_id_text
from angarium.queue.entry import Affected

IDS_PRINTED: Final = 20

_HELP: Final[dict[Act, str]] = {
    "retry": "Try scheduled recipients again now.",
    "hold": "Keep scheduled recipients until they are released. Their time runs on: after it, a release is for one"
    " last attempt.",
    "release": "Put held recipients back into the schedule.",
    "cancel": "Remove recipients from the queue. Their senders are not told.",
}
_DONE: Final[dict[Act, str]] = {
    "retry": "due now",
    "hold": "held",
    "release": "released",
    "cancel": "cancelled",
}


def _command(act: Act) -> click.Command:
    @click.command(act, help=_HELP[act])
    @config_option
    @filter_options
    @click.option("--dry-run", is_flag=True, help="Only say what would be done.")
    @click.option("--json", "as_json", is_flag=True, help="As JSON.")
    def command(config_file: Path, wanted: Filter, dry_run: bool, as_json: bool) -> int:
        with open_queue(config_file) as (_, operator):
            total = operator.summary().recipients
            with count_progress(act, total, hidden=as_json or dry_run) as progress:
                affected = operator.act(act, wanted, _actor(), dry_run=dry_run, progress=progress)
        if as_json:
            from angarium.cli.queue_json import affected_json

            click.echo(json.dumps(affected_json(act, affected, dry_run=dry_run)))
        else:
            _print(act, affected, dry_run=dry_run)
        return _exit_code(wanted, affected)

    return command


def _actor() -> Actor:
    """Who is at the command line, as the system knows them."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    return Actor(who=f"{name}@{socket.gethostname()}")


def _exit_code(wanted: Filter, affected: Affected) -> int:
    """Whoever names recipients by their ids hears when none of them is there."""
    if wanted.ids and not (affected.count or affected.in_flight or affected.unchanged):
        click.echo("postmaster: no such recipient in the queue", err=True)
        return EX_NOINPUT
    return EX_OK


def _print(act: Act, affected: Affected, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    plural = "" if affected.count == 1 else "s"
    click.echo(f"{affected.count} recipient{plural} {would}{_DONE[act]}.")
    for each in affected.ids[:IDS_PRINTED]:
        click.echo(f"  {delivery_id_text(each)}")
    if affected.count > IDS_PRINTED:
        click.echo(f"  ... and {affected.count - IDS_PRINTED} more")
    if affected.in_flight:
        click.echo(f"{affected.in_flight} more being tried right now: left alone; ask again later.")
    if affected.unchanged:
        click.echo(f"{affected.unchanged} more matched but needed no change.")


ACTS: Final = tuple(_command(act) for act in _HELP)

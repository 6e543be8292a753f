"""``postmaster adopt``: what was restored or copied is from now on the server itself, and sends."""

import json
from pathlib import Path

import click

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_CANTCREAT, EX_OK, CommandError
from angarium.host.owner import acting_as_owner
from angarium.queue.wall_clock import wall_clock
from angarium.service.instance import InstanceFiles
from angarium.telemetry.timestamp import rfc3339


@click.command(
    help="Have a data directory that is a copy, or was restored, send the mail in it. Until then it takes mail in and"
    " sends none: what was delivered after the copy was made would be sent again. Look at it first (postmaster queue"
    " list), and cancel what need not go. A running server follows within a second."
)
@config_option
@click.option("--dry-run", is_flag=True, help="Only say whether it is held, and why.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def adopt(config_file: Path, dry_run: bool, as_json: bool) -> int:
    data_dir = Path(load_for_queue(config_file).server.data_dir)
    files = InstanceFiles(data_dir)
    try:
        with acting_as_owner(data_dir):
            instance = files.find()
            held = "" if instance is None else instance.held
            since = None if instance is None or not held else rfc3339(instance.since)
            is_adopted = bool(held) and not dry_run
            if is_adopted:
                files.adopt(wall_clock())
    except OSError as error:
        text = f"{error.filename or data_dir}: {error.strerror}"
        raise CommandError(text, EX_CANTCREAT) from None
    if is_adopted:
        note_act(config_file, "server.adopted", str(data_dir), held=held)
    if as_json:
        answer = {"held": held or None, "since": since, "adopted": is_adopted}
        click.echo(json.dumps(answer))
    elif not held:
        click.echo("It is not held: its mail is sent.")
    else:
        click.echo(f"Held since {since}: {held}.")
        if is_adopted:
            click.echo("It is adopted: its mail is sent.")
    return EX_OK

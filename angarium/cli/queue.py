"""``postmaster queue``: see and steer what is queued, beside a running server or without one."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_OK, EX_USAGE, CommandError
from angarium.cli.queue_access import open_queue
from angarium.cli.queue_acts import ACTS
from angarium.cli.queue_filter import filter_options
from angarium.cli.queue_repair import new, verify
from angarium.cli.queue_rules import rules
from angarium.queue import Filter, MessageId, parse_delivery_id, parse_message_id
from angarium.service.runtime import wall_clock

PAGE = 100


@click.group(help="See and steer what is queued.")
def queue() -> None:
    pass


for _act in ACTS:
    queue.add_command(_act)
queue.add_command(rules)
queue.add_command(verify)
queue.add_command(new)


@queue.command("list", help="List what is queued. Oldest message first, a page at a time.")
@config_option
@filter_options
@click.option("--limit", type=click.IntRange(1, 100_000), default=PAGE, show_default=True)
@click.option("--after", metavar="CURSOR", help="Continue behind the page that named this cursor.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(config_file: Path, wanted: Filter, limit: int, after: str | None, as_json: bool) -> int:
    from angarium.cli.queue_json import page_json
    from angarium.cli.queue_table import print_page

    with open_queue(config_file) as reached:
        page = reached.page(wanted, _cursor(after) if after else None, limit)
        summary = reached.summary()
    if as_json:
        _print_json(page_json(page, summary))
    else:
        print_page(page, summary, wall_clock())
    return EX_OK


@queue.command(
    "show", help="Show a message. All that is known of it: its recipients and its history."
)
@config_option
@click.argument("id_", metavar="ID")
@click.option("--content", is_flag=True, help="The message itself, as it is queued, and only that.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(config_file: Path, id_: str, content: bool, as_json: bool) -> int:
    from angarium.cli.queue_json import shown_json
    from angarium.cli.queue_table import print_message

    message_id = _message_id(id_)
    with open_queue(config_file) as reached:
        if content:
            reached.content(message_id, sys.stdout.buffer.write)
            return EX_OK
        shown = reached.show(message_id)
    if as_json:
        _print_json(shown_json(shown))
    else:
        print_message(shown, wall_clock())
    return EX_OK


@queue.command("explain", help="Say in words what a message met, and what happens to it next.")
@config_option
@click.argument("id_", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def explain(config_file: Path, id_: str, as_json: bool) -> int:
    from angarium.cli.explain_json import explanation_json
    from angarium.cli.explain_text import explanation_lines

    message_id = _message_id(id_)
    only = parse_delivery_id(id_).index if "." in id_ else None
    with open_queue(config_file) as reached:
        explanation = reached.explain(message_id, only)
    lines = explanation_lines(explanation)
    if as_json:
        _print_json({"id": id_, "lines": lines, **explanation_json(explanation)})
    else:
        click.echo("\n".join(lines))
    return EX_OK


@queue.command(
    "compact", help="Give the queue file's free pages back to the disk. Stop the server first."
)
@config_option
@click.option("--dry-run", is_flag=True, help="Only say how much it would give back.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def compact(config_file: Path, dry_run: bool, as_json: bool) -> int:
    from angarium.cli.direct_queue import queue_errors, queue_path
    from angarium.cli.progress import octets_progress
    from angarium.host.owner import acting_as_owner
    from angarium.insight.units import octets_text

    if dry_run:
        with open_queue(config_file) as reached:
            summary = reached.summary()
        before, after = summary.file_octets, summary.used_octets
    else:
        from angarium.queue.lmdb.compaction import compact as compact_queue

        path = queue_path(load_for_queue(config_file))
        with queue_errors(), octets_progress("compacting", hidden=as_json) as progress:
            if not (path / "data.mdb").exists():
                raise FileNotFoundError(f"no queue in {path}")
            with acting_as_owner(path.parent):
                done = compact_queue(path, progress)
        before, after = done.before_octets, done.after_octets
    if as_json:
        _print_json({"dryRun": dry_run, "beforeOctets": before, "afterOctets": after})
    else:
        would = "would become about" if dry_run else "is now"
        click.echo(f"The queue's file was {octets_text(before)} and {would} {octets_text(after)}.")
    return EX_OK


def _cursor(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        text = f"--after {text!r} is no cursor: copy the one that the page before names"
        raise CommandError(text, EX_USAGE) from None


def _message_id(text: str) -> MessageId:
    """Of a message's id or a recipient's. Raises CommandError."""
    try:
        return parse_delivery_id(text).message_id if "." in text else parse_message_id(text)
    except ValueError as error:
        raise CommandError(str(error), EX_USAGE) from None


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))

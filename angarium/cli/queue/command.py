"""``postmaster queue``: see and steer what is queued, beside a running server or without one."""

import json
import sys
from pathlib import Path
from typing import Any, get_args

import click

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_OK, EX_USAGE, CommandError
from angarium.cli.queue.access import open_queue
from angarium.cli.queue.acts import ACTS
from angarium.cli.queue.filter import filter_options
from angarium.cli.queue.ids import id_text, whole_id, whole_message_id, with_whole_ids
from angarium.cli.queue.repair import new, verify
from angarium.cli.queue.rescheduling import reschedule
from angarium.cli.queue.rules import rules
from angarium.insight.admin.queue_reads import PAGE_LIMIT
from angarium.queue import DeliveryId, Filter, message_id_text
from angarium.queue.act import Part
from angarium.queue.breakdown import Quality
from angarium.queue.wall_clock import wall_clock

PAGE = 100


@click.group(help="See and steer what is queued.")
def queue() -> None:
    pass


for _act in ACTS:
    queue.add_command(_act)
queue.add_command(reschedule)
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
    from angarium.cli.queue.as_json import page_json
    from angarium.cli.queue.table import print_page

    with open_queue(config_file) as reached:
        wanted = with_whole_ids(reached, wanted)
        page = reached.page(wanted, _cursor(after) if after else None, limit)
        summary = reached.summary()
        matching = len(page.entries)
        if wanted.is_empty:
            matching = summary.recipients
        elif after or page.cursor:
            matching = reached.breakdown(wanted, "age", 1).total.count
    if as_json:
        _print_json(page_json(page, matching, summary))
    else:
        print_page(page, matching, summary, wall_clock(), is_filtered=not wanted.is_empty)
    return EX_OK


@queue.command(
    "summary",
    help="Say what the queue is made of: how many wait for each domain, say, and how long they have waited.",
)
@config_option
@click.option(
    "--by",
    type=click.Choice(get_args(Quality)),
    default="domain",
    show_default=True,
    help="Replies without what differs from one to the next: each is a pattern for --reply.",
)
@filter_options
@click.option("--limit", type=click.IntRange(1, PAGE_LIMIT), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def summary(config_file: Path, by: Quality, wanted: Filter, limit: int, as_json: bool) -> int:
    from angarium.cli.queue.as_json import breakdown_json
    from angarium.cli.queue.table import print_breakdown

    with open_queue(config_file) as reached:
        breakdown = reached.breakdown(with_whole_ids(reached, wanted), by, limit)
    if as_json:
        _print_json(breakdown_json(breakdown))
    else:
        print_breakdown(breakdown)
    return EX_OK


@queue.command(
    "show", help="Show a message. All that is known of it: its recipients and its history."
)
@config_option
@click.argument("id_", metavar="ID")
@click.option("--content", is_flag=True, help="The message itself, as it is queued, and only that.")
@click.option("--headers", is_flag=True, help="Its header, and only that.")
@click.option(
    "--reason", default="", metavar="TEXT", help="Why you look: an event records that you did."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(
    config_file: Path, id_: str, content: bool, headers: bool, reason: str, as_json: bool
) -> int:
    from angarium.cli.queue.as_json import shown_json
    from angarium.cli.queue.table import print_message

    if content or headers:
        return _show_content(config_file, id_, "all" if content else "headers", reason)
    with open_queue(config_file) as reached:
        shown = reached.show(whole_message_id(reached, id_))
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
    from angarium.cli.queue.explain_json import explanation_json
    from angarium.cli.queue.explain_text import explanation_lines

    with open_queue(config_file) as reached:
        found = whole_id(reached, id_)
        if isinstance(found, DeliveryId):
            explanation = reached.explain(found.message_id, found.index)
        else:
            explanation = reached.explain(found, None)
    lines = explanation_lines(explanation)
    if as_json:
        _print_json({"id": id_text(found), "lines": lines, **explanation_json(explanation)})
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
    from angarium.cli.progress import octets_progress
    from angarium.cli.queue.file import queue_errors, queue_path
    from angarium.host.owner import acting_as_owner
    from angarium.insight.units import octets_text

    if dry_run:
        with open_queue(config_file) as reached:
            summary = reached.summary()
        before, after = summary.file_octets, summary.used_octets
    else:
        from angarium.queue.lmdb.file.compaction import compact as compact_queue

        path = queue_path(load_for_queue(config_file))
        with queue_errors(), octets_progress("compacting", hidden=as_json) as progress:
            if not (path / "data.mdb").exists():
                raise FileNotFoundError(f"no queue in {path}")
            with acting_as_owner(path.parent):
                done = compact_queue(path, progress)
        before, after = done.before_octets, done.after_octets
        note_act(config_file, "queue.compacted", str(path), after=octets_text(after))
    if as_json:
        _print_json({"dry_run": dry_run, "before_octets": before, "after_octets": after})
    else:
        would = "would become about" if dry_run else "is now"
        click.echo(f"The queue's file was {octets_text(before)} and {would} {octets_text(after)}.")
    return EX_OK


def _show_content(config_file: Path, id_: str, part: Part, reason: str) -> int:
    with open_queue(config_file) as reached:
        message_id = whole_message_id(reached, id_)
        reached.content(message_id, part, reason, sys.stdout.buffer.write)
    name = message_id_text(message_id)
    note_act(config_file, "queue.content_shown", name, part=part, reason=reason)
    return EX_OK


def _cursor(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        text = f"--after {text!r} is no cursor: copy the one that the page before names"
        raise CommandError(text, EX_USAGE) from None


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))

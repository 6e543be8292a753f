"""``postmaster analytics``: the counters, counted anew from the event log."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from angarium.analytics import CountersAwayError
from angarium.analytics.counter_file import CounterFile
from angarium.analytics.counters import DAY_MS
from angarium.analytics.keeping import ANALYTICS, TOGETHER
from angarium.analytics.rebuilding import NOTHING_KEPT, NothingKept, Rebuilding, Rebuilt
from angarium.analytics.writing import CounterWriter
from angarium.cli.asking import answered
from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_CONFIG, EX_DATAERR, EX_IOERR, EX_NOINPUT, CommandError
from angarium.cli.platform_access import json_option, print_json, time_text
from angarium.cli.progress import octets_or_count
from angarium.cli.queue.file import queue_errors, queue_path
from angarium.config.error import ConfigError
from angarium.config.schema import Config
from angarium.host.owner import acting_as_owner
from angarium.insight.admin.client import ask_process
from angarium.insight.admin.rebuilding import RebuildCounters
from angarium.insight.units import count_text
from angarium.queue import QueueOperator
from angarium.queue.wall_clock import wall_clock
from angarium.service.data_dir import DataDir
from angarium.telemetry.timestamp import rfc3339

_PLATFORM: Final = "platform-0"  # the process that writes the counters
_NEVER: Final = "nothing was counted yet: start the server"


@click.group(help="How much mail there was and what became of it: what is counted for `stats`.")
def analytics() -> None:
    pass


@analytics.command(
    help="Count anew what the event log still has, with or without a running server. Figures of before the log's first"
    " events stay as they were. Until it is done the old figures are shown; where it fails they stay."
)
@json_option
@config_option
def rebuild(as_json: bool, config_file: Path) -> None:
    try:
        config = load_for_queue(config_file)
    except ConfigError as error:
        raise CommandError(str(error), EX_CONFIG) from None
    if not config.analytics.counts:
        raise CommandError("nothing is counted: [analytics] counts is false", EX_CONFIG)
    data_dir = DataDir(Path(config.server.data_dir))
    with octets_or_count("events", hidden=as_json) as update:

        def tell(events: int) -> None:
            update(events, events)

        if data_dir.find_server() is None:
            with queue_errors(), acting_as_owner(data_dir.path):
                rebuilt = _rebuild_here(config, tell)
        else:
            question = RebuildCounters()
            asked = ask_process(data_dir.path, _PLATFORM, question, lambda it: tell(it.events))
            rebuilt = answered(asked)
    note_act(config_file, "counters.rebuilt", count_text(rebuilt.events, "event"))
    if as_json:
        print_json(
            {
                "since": time_text(rebuilt.since),
                "events": rebuilt.events,
                "changed_rows": rebuilt.changed,
                "before": rebuilt.before,
                "after": rebuilt.after,
            }
        )
    else:
        _print(rebuilt)


def _rebuild_here(config: Config, tell: Callable[[int], None]) -> Rebuilt:
    """Raises CommandError, and what ``queue_errors`` knows."""
    operator = QueueOperator.open(queue_path(config), config.queue, wall_clock)
    try:
        cursor = operator.find_cursor(ANALYTICS)
        if cursor is None or not cursor.state:
            raise CommandError(_NEVER, EX_NOINPUT)
        file = CounterFile(Path(config.server.data_dir))
        try:
            writer = CounterWriter(file, config.analytics.keep_days * DAY_MS)
            writer.begin(cursor.state, operator.last_event())
            return _rebuild(operator, Rebuilding(file, writer), tell)
        finally:
            file.close()
    except CountersAwayError as error:
        raise CommandError(f"{error}; nothing was changed", EX_IOERR) from None
    finally:
        operator.close()


def _rebuild(
    operator: QueueOperator, rebuilding: Rebuilding, tell: Callable[[int], None]
) -> Rebuilt:
    """What is not finished is undone when the file is closed."""
    first = operator.read_events(0, 1)
    position = rebuilding.begin(first[0].sequence if first else operator.last_event() + 1)
    if isinstance(position, NothingKept):
        raise CommandError(NOTHING_KEPT, EX_DATAERR)
    counted = 0
    while batch := operator.read_events(position, TOGETHER):
        rebuilding.write(batch)
        position = batch[-1].sequence
        counted += len(batch)
        tell(counted)
    return rebuilding.finish()


def _print(rebuilt: Rebuilt) -> None:
    click.echo(f"{rebuilt.events:,} events were counted anew, from {rfc3339(rebuilt.since)} on.")
    if not rebuilt.changed:
        click.echo("All figures are as they were.")
        return
    click.echo(f"{rebuilt.changed:,} rows of days are not as they were. In all, since that day:")
    for name, after in rebuilt.after.items():
        before = rebuilt.before[name]
        if before != after:
            click.echo(f"  {name:<18} {before:>12,}  now {after:>12,}")

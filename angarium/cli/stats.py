"""``postmaster stats``: how much mail there was and what became of it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import click
import msgspec

from angarium.analytics import HOUR_MS, CountersAwayError, StatsQuery, StatsRow
from angarium.analytics.asked import By
from angarium.analytics.counter_file import CounterView
from angarium.analytics.reading import CounterReader
from angarium.analytics.span import Span, SpanError, key_shown, read_span
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_CONFIG, EX_DATAERR, EX_IOERR, CommandError
from angarium.config.error import ConfigError
from angarium.host.owner import acting_as_owner
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339

# What fits on a line; --json has all of them
_SHOWN: Final = {
    "accepted": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "deferred": "deferred",
    "bounced": "bounced",
    "complained": "complained",
    "opened_human": "opened",
    "clicked_human": "clicked",
    "unsubscribed": "left",
}
_REST: Final = "(others)"


@click.command(
    help="Counters of mail by the hour (UTC), added up: of recipients; opened and clicked: times, by persons."
)
@click.option("--by", type=click.Choice(get_args(By)), default="day", show_default=True)
@click.option(
    "--from", "first", default="", help="2026-07-01, or 2026-07-01T10:00:00Z. Usually seven days."
)
@click.option("--to", default="", help="The same; to the end of that day or hour. Usually now.")
@click.option("--tenant", help="Only mail of this tenant; else of all.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all counters.")
@config_option
def stats(
    by: By, first: str, to: str, tenant: str | None, as_json: bool, config_file: Path
) -> None:
    try:
        data_dir = Path(load_for_queue(config_file).server.data_dir)
    except ConfigError as error:
        raise CommandError(str(error), EX_CONFIG) from None
    try:
        span = read_span(first, to, UnixMs(time.time_ns() // 1_000_000))
    except SpanError as error:
        raise CommandError(f"--{error}", EX_DATAERR) from None
    if not os.access(data_dir, os.X_OK):
        raise CommandError(f"{data_dir}: it is not there, or not for you to read", EX_IOERR)
    try:
        with acting_as_owner(data_dir):
            reader = CounterReader(CounterView(data_dir))
            try:
                rows = list(_rows(reader, by, span, tenant))
            finally:
                reader.close()
    except CountersAwayError as error:
        text = f"{error}: nothing was counted yet, or [analytics] counts is false"
        raise CommandError(text, EX_IOERR) from None
    if as_json:
        click.echo(msgspec.json.encode(_as_json(by, span, rows)))
    else:
        _print(by, span, rows)


def _rows(reader: CounterReader, by: By, span: Span, tenant: str | None) -> Iterator[StatsRow]:
    query = StatsQuery(by=by, first=span.first, end=span.end, tenant=tenant)
    while True:
        page = reader.ask(query)
        yield from page.rows
        if page.after is None:
            return
        query = msgspec.structs.replace(query, after=page.after)


def _as_json(by: By, span: Span, rows: list[StatsRow]) -> dict[str, object]:
    return {
        "by": by,
        "from": rfc3339(span.first * HOUR_MS),
        "to": rfc3339(span.end * HOUR_MS),
        "rows": [{"key": key_shown(by, each.key), **each.counts} for each in rows],
    }


def _print(by: By, span: Span, rows: list[StatsRow]) -> None:
    click.echo(f"{rfc3339(span.first * HOUR_MS)} to {rfc3339(span.end * HOUR_MS)}")
    keys = [key_shown(by, each.key) or _REST for each in rows]
    width = max([len(by), *map(len, keys)])
    heads = "".join(f" {text:>12}" for text in _SHOWN.values())
    click.echo(f"{by:<{width}}{heads}")
    for key, row in zip(keys, rows, strict=True):
        numbers = "".join(f" {row.counts[name]:>12,}" for name in _SHOWN)
        click.echo(f"{key:<{width}}{numbers}")

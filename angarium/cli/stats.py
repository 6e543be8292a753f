"""``postmaster stats``: how much mail there was and what became of it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, get_args

import click
import msgspec

from angarium.analytics import StatsQuery, StatsRow
from angarium.analytics.counters import SINGLES, Resolution
from angarium.analytics.latency import latency_of
from angarium.analytics.rates import Rates
from angarium.analytics.reading import CounterReader
from angarium.analytics.span import Span
from angarium.analytics.wanted import BY_WORDS, Wanted, WantedError, read_wanted
from angarium.cli.config_option import config_option
from angarium.cli.counter_access import config_of, using_counters
from angarium.cli.exit import EX_DATAERR, EX_USAGE, CommandError
from angarium.insight.csv_text import csv_octets
from angarium.insight.stats_csv import keys_shown, row_rates, stats_cells, stats_columns
from angarium.queue.wall_clock import wall_clock
from angarium.telemetry.timestamp import rfc3339

# What fits on a line; --json and --csv have all of them
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
_RATES: Final = ("delivery", "bounce", "complaint", "open", "click")
_QUANTILES: Final = ("p50_ms", "p95_ms", "p99_ms")
_REST: Final = "(others)"
_NONE: Final = "-"


@click.command(
    help="Counters of mail (UTC), added up: of recipients; opened and clicked: times, by persons. Behind them which"
    " part of the mail it is in percent, and how long it took until a host had half, 95 % and 99 % of it."
)
@click.option(
    "--by",
    default="day",
    show_default=True,
    metavar="WORDS",
    help=f"{', '.join(BY_WORDS)}; or some, as provider,source, if they are counted together.",
)
@click.option(
    "--from", "first", default="", help="2026-07-01, or 2026-07-01T10:00:00Z. Usually seven days."
)
@click.option("--to", default="", help="The same; to the end of that day or hour. Usually now.")
@click.option(
    "--resolution",
    type=click.Choice(get_args(Resolution)),
    help="Which counters are added up. Usually the coarsest ones that have it.",
)
@click.option("--tenant", help="Only mail of this tenant; else of all.")
@click.option(
    "--only",
    multiple=True,
    metavar="WORD=NAME",
    help="Only what is of it: --only provider=gmail. May be given twice.",
)
@click.option(
    "--sort", default="", metavar="COUNTER", help="First what there is most of: clicked_human."
)
@click.option("--limit", type=click.IntRange(1), help="So many rows. Usually all.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all counters.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, with all counters.")
@config_option
def stats(
    by: str,
    first: str,
    to: str,
    resolution: Resolution | None,
    tenant: str | None,
    only: tuple[str, ...],
    sort: str,
    limit: int | None,
    as_json: bool,
    as_csv: bool,
    config_file: Path,
) -> None:
    if as_json and as_csv:
        raise CommandError("--json and --csv: choose one of them", EX_USAGE)
    wanted = Wanted(
        by=by,
        first=first,
        to=to,
        resolution=resolution,
        only=_only(only),
        sort=sort,
        latency=True,
    )
    data_dir = Path(config_of(config_file).server.data_dir)
    try:
        now = wall_clock()
        query, span = read_wanted(wanted, now, tenant, may_all=True)
    except WantedError as error:
        raise CommandError(f"--{error}", EX_DATAERR) from None
    rows = _ask(data_dir, query, limit)
    if as_json:
        click.echo(msgspec.json.encode(_as_json(by, query, span, rows)))
    elif as_csv:
        lines = [stats_columns(query.by, rates=True, latency=True)]
        lines += [stats_cells(query, each, rates=True) for each in rows]
        click.echo(csv_octets(lines), nl=False)
    else:
        _print(by, query, span, rows)


def _only(given: tuple[str, ...]) -> Mapping[str, str]:
    """Raises CommandError."""
    found: dict[str, str] = {}
    for each in given:
        name, equals, key = each.partition("=")
        if not equals or not key or name not in SINGLES:
            text = f"--only {each}: write WORD=NAME; words are {', '.join(SINGLES)}"
            raise CommandError(text, EX_DATAERR)
        if name in found:
            raise CommandError(f"--only {each}: {name} is given twice", EX_DATAERR)
        found[name] = key
    return found


def _ask(data_dir: Path, query: StatsQuery, limit: int | None) -> list[StatsRow]:
    with using_counters(data_dir) as reader:
        return list(_rows(reader, query, limit))


def _rows(reader: CounterReader, query: StatsQuery, limit: int | None) -> Iterator[StatsRow]:
    left = limit
    while left is None or left > 0:
        if left is not None:
            query = msgspec.structs.replace(query, limit=min(left, query.limit))
        page = reader.ask(query)
        yield from page.rows
        if page.after is None:
            return
        left = None if left is None else left - len(page.rows)
        query = msgspec.structs.replace(query, after=page.after)


def _as_json(by: str, query: StatsQuery, span: Span, rows: list[StatsRow]) -> dict[str, object]:
    return {
        "by": by,
        "from": rfc3339(span.first_ms),
        "to": rfc3339(span.end_ms),
        "resolution": span.resolution,
        "rows": [_row_as_json(query, each) for each in rows],
    }


def _row_as_json(query: StatsQuery, row: StatsRow) -> dict[str, object]:
    keys = keys_shown(query.by, row)
    return {
        "key": keys[0] if keys else row.key,
        "keys": keys,
        **row.counts,
        "rates": row_rates(query, row),
        "latency": latency_of(row.latency),
    }


def _print(by: str, query: StatsQuery, span: Span, rows: list[StatsRow]) -> None:
    click.echo(f"{rfc3339(span.first_ms)} to {rfc3339(span.end_ms)}")
    heads: list[str] = [*query.by] or [by]
    table = [[*heads, *_SHOWN.values(), *[f"{each} %" for each in _RATES], "p50", "p95", "p99"]]
    table += [_line(query, each) for each in rows]
    widths = [max(len(line[at]) for line in table) for at in range(len(table[0]))]
    for line in table:
        cells = [
            f"{cell:<{width}}" if at < len(heads) else f"{cell:>{width}}"
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())


def _line(query: StatsQuery, row: StatsRow) -> list[str]:
    keys = [each or _REST for each in keys_shown(query.by, row)] or [str(row.key)]
    rates, latency = row_rates(query, row), latency_of(row.latency)
    return [
        *keys,
        *[f"{row.counts[name]:,}" for name in _SHOWN],
        *[_percent(rates, name) for name in _RATES],
        *[_NONE if latency is None else _duration(getattr(latency, each)) for each in _QUANTILES],
    ]


def _percent(rates: Rates | None, name: str) -> str:
    value = None if rates is None else getattr(rates, name)
    return _NONE if value is None else f"{value * 100:.2f}"


def _duration(ms: int) -> str:
    """As exact as it is: two digits."""
    for unit_ms, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")):
        if ms >= unit_ms:
            return f"{ms / unit_ms:.2g} {unit}" if ms < 100 * unit_ms else f"{ms // unit_ms} {unit}"
    return f"{ms} ms"

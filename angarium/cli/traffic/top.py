"""``postmaster top``: what goes where just now, by provider and source, drawn anew every few seconds."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from angarium.cli.config_option import config_option
from angarium.cli.duration import Duration
from angarium.cli.exit import EX_OK
from angarium.cli.traffic.access import gather, gather_again
from angarium.cli.traffic.as_json import table_json
from angarium.insight.admin.gathering import Gathered
from angarium.insight.holds import hold_narrowing
from angarium.insight.traffic_table import narrowing_text, traffic_table
from angarium.insight.units import span_text
from angarium.queue.wall_clock import wall_clock

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

# Ours: of a table that is not on a terminal
PLAIN_WIDTH: Final = 160
# Lines of a terminal that the table does not have for its rows
FRAME_LINES: Final = 6
_LEAST_MS: Final = 200
# A count of the queue that is older is told to be
OLD_MS: Final = 5_000


@click.command(
    help="What goes where just now, by provider and source: queued, rate, deferrals, connections, what is in force."
)
@config_option
@click.option("--once", is_flag=True, help="Print it once, all of it.")
@click.option(
    *("--interval", "interval_ms"),
    type=Duration(),
    default="2s",
    show_default=True,
    help="How often it is drawn anew.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, one object on a line each time.")
def top(config_file: Path, once: bool, interval_ms: int, as_json: bool) -> int:
    # Not before it is needed: starting stays quick
    from rich.console import Console

    config, gathered = gather(config_file)
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    pause_s = max(interval_ms, _LEAST_MS) / 1000
    try:
        if as_json or once or not console.is_terminal:
            while True:
                _print_once(console, gathered, as_json=as_json)
                if once:
                    return EX_OK
                time.sleep(pause_s)
                gathered = gather_again(config)
        _draw(console, gathered, lambda: gather_again(config, quiet=True), pause_s)
    except KeyboardInterrupt:
        pass
    return EX_OK


def _print_once(console: "Console", gathered: Gathered, *, as_json: bool) -> None:
    if not as_json:
        console.print(_drawn(gathered, None))
        return
    now = wall_clock()
    text = json.dumps(table_json(gathered, traffic_table(gathered, now), now), ensure_ascii=False)
    click.echo(text)


def _draw(
    console: "Console", gathered: Gathered, again: Callable[[], Gathered], pause_s: float
) -> None:
    """Until it is interrupted."""
    from rich.live import Live

    def drawn(found: Gathered) -> "RenderableType":
        return _drawn(found, console.height - FRAME_LINES)

    with Live(drawn(gathered), console=console, auto_refresh=False, screen=True) as live:
        while True:
            time.sleep(pause_s)
            live.update(drawn(again()), refresh=True)


def _drawn(gathered: Gathered, lines: int | None) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    from angarium.cli.traffic.text import traffic_text

    now = wall_clock()
    rows = traffic_table(gathered, now)
    minute = [each.windows.minute for each in rows]
    queued = sum(each.queued or 0 for each in rows)
    summary = (
        f"queued {queued}   connections {sum(each.connections for each in rows)}"
        f"   in the last minute: {sum(each.delivered for each in minute)} sent,"
        f" {sum(each.deferred for each in minute)} deferred, {sum(each.bounced for each in minute)} bounced"
    )
    if gathered.census is not None and (age_ms := now - gathered.census.at) > OLD_MS:
        summary += f"   (queued: counted {span_text(age_ms)} ago)"
    for hold in gathered.holds:
        if hold.provider is None:  # the others stand beside their providers
            summary += f"\n{narrowing_text(hold_narrowing(hold), now)}"
    for refused in gathered.unheard:
        summary += f"\n{refused.text}"
    if not rows and not gathered.unheard and not gathered.holds:
        return Text("nothing is queued, and nothing went out within the hour")
    return Group(Text(summary), traffic_text(rows, now, lines))

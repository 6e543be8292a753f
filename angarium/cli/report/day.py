"""``postmaster report day``: a day's mail, as a summary by mail has it."""

from pathlib import Path

import click

from angarium.analytics.summary.figures import Line, Summary
from angarium.analytics.summary.gathering import gather
from angarium.analytics.summary.letter import as_html, text
from angarium.cli.config_option import config_option
from angarium.cli.counter_access import config_of, using_counters
from angarium.cli.exit import EX_CANTCREAT, CommandError
from angarium.cli.platform_access import print_json
from angarium.cli.report.days import Day
from angarium.cli.report.insights import insight_shown
from angarium.queue.wall_clock import wall_clock


@click.command()
@click.argument("day", type=Day(), default="yesterday")
@click.option("--tenant", help="Only mail of this tenant; else of all.")
@click.option(
    "--html",
    "html_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it as a page to this file.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all counters.")
@config_option
def day(
    day: int, tenant: str | None, html_file: Path | None, as_json: bool, config_file: Path
) -> None:
    """Show a day's mail (UTC): figures beside what is usual, and what is different. DAY: usually yesterday."""
    with using_counters(Path(config_of(config_file).server.data_dir)) as counters:
        summary = gather(counters, day, tenant, wall_clock())
    if html_file is not None:
        try:
            html_file.write_text(as_html(summary), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{html_file}: {error.strerror}", EX_CANTCREAT) from None
    if as_json:
        print_json(_shown(summary))
    elif html_file is None:
        click.echo(text(summary), nl=False)


def _shown(summary: Summary) -> dict[str, object]:
    return {
        "day": summary.day,
        "tenant": summary.of or None,
        "total": _line(summary.total),
        "usual": summary.usual,
        "providers": [_line(each) for each in summary.providers],
        "streams": [_line(each) for each in summary.streams],
        "campaigns": [_line(each) for each in summary.campaigns],
        "insights": [insight_shown(each) for each in summary.insights],
    }


def _line(line: Line) -> dict[str, object]:
    return {"key": line.key, **line.counts, "p50_ms": line.p50_ms, "p95_ms": line.p95_ms}

"""``postmaster report insights``: what is different from usual, in words."""

from pathlib import Path

import click

from angarium.analytics.counters import day_text
from angarium.analytics.insights.asking import InsightReader
from angarium.analytics.insights.words import Insight
from angarium.cli.config_option import config_option
from angarium.cli.counter_access import config_of, using_counters
from angarium.cli.platform_access import print_json
from angarium.cli.report.days import Day
from angarium.queue.wall_clock import wall_clock


@click.command()
@click.argument("day", type=Day(), default="today")
@click.option("--tenant", help="Only mail of this tenant; else of all.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@config_option
def insights(day: int, tenant: str | None, as_json: bool, config_file: Path) -> None:
    """Say what is different on a day (UTC) from the four weeks before: where, since when, likely why.

    Each is from a test, which is shown with it. DAY: usually today, until now.
    """
    with using_counters(Path(config_of(config_file).server.data_dir)) as counters:
        found = InsightReader(counters).ask(day, tenant, wall_clock())
    if as_json:
        print_json({"day": day_text(day), "insights": [insight_shown(each) for each in found]})
        return
    for each in found:
        click.echo(f"{'! ' if each.is_bad else '+ '}{each.what}.")
        if each.why:
            click.echo(f"  {each.why}.")
        click.echo(f"  ({each.test})")
    if not found:
        click.echo(f"Nothing of {day_text(day)} is different from the days before.")


def insight_shown(insight: Insight) -> dict[str, object]:
    return {
        "measure": insight.measure,
        "bad": insight.is_bad,
        "by": insight.place.by,
        "key": insight.place.key,
        "where": [
            {"by": each.place.by, "key": each.place.key, "part": round(each.part, 3)}
            for each in insight.where
        ],
        "before": insight.before,
        "after": insight.after,
        "excess": round(insight.excess, 1),
        "since": insight.since or None,
        "bounce_class": None if insight.cause is None else insight.cause.bounce_class,
        "what": insight.what,
        "why": insight.why,
        "test": insight.test,
    }

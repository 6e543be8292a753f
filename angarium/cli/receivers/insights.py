"""``postmaster receivers insights``: what follows from the reports, in words."""

from pathlib import Path

import click

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_OK
from angarium.cli.receivers.opening import load_config, reading, today
from angarium.cli.receivers.printing import print_json
from angarium.insight.receiver_sources import own_sources
from angarium.receiver_reports.insight_facts import find_insights
from angarium.receiver_reports.ownership import EVERYTHING


@click.command(
    help="What follows from the last days' reports, worst first: each by a stated rule, with what to do."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@config_option
def insights(as_json: bool, config_file: Path) -> int:
    config = load_config(config_file)
    own = own_sources(config)
    with reading(config) as reader:
        found = find_insights(reader, today(), EVERYTHING, own)
    if as_json:
        print_json(found)
        return EX_OK
    for each in found:
        click.echo(f"{each.verdict:<4}  {each.text}")
        click.echo(f"      to do: {each.remedy}")
    if not found:
        click.echo("Nothing follows from the reports of the last days.")
    return EX_OK

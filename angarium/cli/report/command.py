"""``postmaster report``: the group."""

import click

from angarium.cli.report.day import day
from angarium.cli.report.insights import insights
from angarium.cli.report.readers import readers


@click.group()
def report() -> None:
    """What a day was like, what is different from usual, and who read."""


report.add_command(day)
report.add_command(insights)
report.add_command(readers)

"""``postmaster feedback``: what mail that comes back, and what other hosts reply, is understood to mean."""

import click

from angarium.cli.exit import EX_OK
from angarium.cli.feedback.classify import classify
from angarium.cli.feedback.parse import parse
from angarium.cli.feedback.reports import forget, import_reports, list_reports, show


@click.group(
    help="See how replies, and mail that comes back, are understood; review and import what came back."
)
def feedback() -> int:
    return EX_OK


feedback.add_command(classify)
feedback.add_command(parse)
for _command in (list_reports, show, forget, import_reports):
    feedback.add_command(_command)

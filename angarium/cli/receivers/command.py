"""``postmaster receivers``: the group of its commands."""

import click

from angarium.cli.exit import EX_OK
from angarium.cli.receivers.bringing import import_reports
from angarium.cli.receivers.insights import insights
from angarium.cli.receivers.polling import poll
from angarium.cli.receivers.reports import list_reports, show
from angarium.cli.receivers.tables import dmarc, feedback, figures, tls


@click.group(
    help="What mailbox providers say of our mail as a whole: DMARC and TLS reports, complaints and bounces added up,"
    " Google's and Microsoft's own figures, and what follows from them (docs/receiver-reports.md)."
)
def receivers() -> int:
    return EX_OK


for _command in (dmarc, tls, feedback, figures, insights, list_reports, show, import_reports, poll):
    receivers.add_command(_command)

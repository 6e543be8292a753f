"""``postmaster feedback``: what mail that comes back, and what other hosts reply, is understood to mean."""

import click

from angarium.cli.exit import EX_OK
from angarium.cli.feedback_classify import classify
from angarium.cli.feedback_parse import parse


@click.group(help="See how replies, and mail that comes back, are understood; nothing is changed.")
def feedback() -> int:
    return EX_OK


feedback.add_command(classify)
feedback.add_command(parse)

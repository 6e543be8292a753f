"""``postmaster webhook test``: does an endpoint work?"""

import os
import time
from pathlib import Path

import click

from angarium.api.native.webhook_wire import delivery_with_log
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_OK, EX_TEMPFAIL
from angarium.cli.platform_access import json_option, print_json, using_platform
from angarium.cli.webhook.outbox_access import using_outbox
from angarium.queue.message_id import MessageIdGenerator
from angarium.queue.wall_clock import wall_clock
from angarium.webhooks.delivery import Delivery, State
from angarium.webhooks.outbox import Outbox
from angarium.webhooks.trial import put_trial

LOOK_S = 0.1


@click.command()
@click.argument("webhook_id", metavar="ID")
@click.option("--wait", default=20, show_default=True, help="Seconds to wait for its answer.")
@json_option
@config_option
def test(webhook_id: str, wait: int, as_json: bool, config_file: Path) -> int:
    """Have endpoint ID told of an event of type webhook.test, and print what it answers.

    Needs a running server. Exits with 75 where nothing was answered that means success.
    """
    with using_platform(config_file) as (platform, config), using_outbox(config) as outbox:
        webhook = platform.webhooks.find(webhook_id)
        new_id = MessageIdGenerator(wall_clock, os.urandom)
        number = put_trial(outbox, webhook, new_id, wall_clock())
        found = _awaited(outbox, number, wait)
        if as_json:
            print_json(delivery_with_log(found, outbox.attempts(number)))
        else:
            _print(found)
    return EX_OK if found.state is State.DELIVERED else EX_TEMPFAIL


def _awaited(outbox: Outbox, number: int, wait_s: float) -> Delivery:
    """Return it once it was tried, or as it is when the time is over."""
    ends = time.monotonic() + wait_s
    while True:
        found = outbox.find(number)
        assert found is not None  # nothing deletes what has just been made
        if found.attempts or found.state is not State.WAITING or time.monotonic() >= ends:
            return found
        time.sleep(LOOK_S)


def _print(found: Delivery) -> None:
    if found.state is State.DELIVERED:
        click.echo(f"It answered {found.http_status}.")
    elif found.attempts or found.text:
        click.echo(f"It failed: {found.http_status or ''} {found.text}".rstrip())
    else:
        click.echo("It was not tried: does the server run? (postmaster status)")

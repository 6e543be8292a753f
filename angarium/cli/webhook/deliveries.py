"""``postmaster webhook deliveries``, ``delivery`` and ``replay``: what endpoints were told, and telling it again."""

from pathlib import Path

import click

from angarium.api.native.webhook_wire import delivery_shown, delivery_with_log
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_NOINPUT, EX_USAGE, CommandError
from angarium.cli.moment import Moment
from angarium.cli.platform_access import json_option, print_json, time_text, using_platform
from angarium.cli.webhook.outbox_access import using_outbox
from angarium.queue.model import UnixMs
from angarium.queue.wall_clock import wall_clock
from angarium.webhooks.delivery import STATUSES, DeliveryFilter, DeliveryStatus
from angarium.webhooks.outbox import Outbox


@click.command()
@click.argument("webhook_id", metavar="ID")
@click.option("--status", type=click.Choice(STATUSES), help="Only these.")
@click.option("--email", "email_id", default="", help="Only of the message with this id.")
@click.option("--limit", default=20, show_default=True, help="At most so many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def deliveries(
    webhook_id: str,
    status: DeliveryStatus | None,
    email_id: str,
    limit: int,
    as_json: bool,
    config_file: Path,
) -> None:
    """List what endpoint ID was told, is still to be told, or could not be told."""
    with using_platform(config_file) as (platform, config), using_outbox(config) as outbox:
        webhook = platform.webhooks.find(webhook_id)
        wanted = DeliveryFilter(endpoint=webhook.id, status=status, email_id=email_id)
        found = outbox.list(wanted, limit=limit)
    for each in found:
        if as_json:
            print_json(delivery_shown(each))
            continue
        answer = f"  {each.http_status} {each.text[:60]}" if each.attempts or each.text else ""
        click.echo(
            f"{each.id}  {time_text(each.created)}  {each.state.status:9}  {each.type}"
            f"  {each.email_id}{answer}".rstrip()
        )
    if not found and not as_json:
        click.echo("No deliveries.")


@click.command("delivery")
@click.argument("number", type=int)
@config_option
def show_delivery(number: int, config_file: Path) -> None:
    """Show delivery NUMBER as JSON: its event, and each attempt with its answer."""
    with using_platform(config_file) as (_, config), using_outbox(config) as outbox:
        found = outbox.find(number)
        if found is None:
            raise _no_delivery(number)
        print_json(delivery_with_log(found, outbox.attempts(number)))


@click.command()
@click.argument("webhook_id", metavar="ID")
@click.option("--delivery", "number", type=int, help="This one.")
@click.option("--failed", is_flag=True, help="All that could not be told.")
@click.option(
    "--since", type=Moment(wall_clock), help="All since then: 2h (ago), 2026-07-01T10:30."
)
@click.option("--until", type=Moment(wall_clock), help="All until then.")
@json_option
@config_option
def replay(
    webhook_id: str,
    number: int | None,
    failed: bool,
    since: int | None,
    until: int | None,
    as_json: bool,
    config_file: Path,
) -> None:
    """Tell endpoint ID again, with the ids of before: one delivery, all that failed, or a range of time."""
    if number is None and not failed and since is None:
        raise CommandError("say what: --delivery NUMBER, --failed, or --since", EX_USAGE)
    wanted = DeliveryFilter(
        status="failed" if failed else None,
        since=None if since is None else UnixMs(since),
        until=None if until is None else UnixMs(until),
    )
    with using_platform(config_file) as (platform, config), using_outbox(config) as outbox:
        webhook = platform.webhooks.find(webhook_id)
        if not webhook.enabled:
            text = f"the webhook is disabled: `postmaster webhook enable {webhook.id}` first"
            raise CommandError(text, EX_USAGE)
        count = _replay(outbox, webhook.id, number, wanted)
        platform.audit.note("webhook.replayed", webhook.tenant, webhook.id, count=str(count))
    if as_json:
        print_json({"replayed": count})
        return
    click.echo(f"{count} to be told again.")


def _replay(outbox: Outbox, webhook_id: str, number: int | None, wanted: DeliveryFilter) -> int:
    if number is None:
        of_it = DeliveryFilter(
            endpoint=webhook_id, status=wanted.status, since=wanted.since, until=wanted.until
        )
        return outbox.replay_all(of_it, wall_clock())
    found = outbox.find(number)
    if found is None or found.endpoint != webhook_id:
        raise _no_delivery(number)
    return int(outbox.replay(number, wall_clock()))


def _no_delivery(number: int) -> CommandError:
    return CommandError(f"there is no delivery {number}", EX_NOINPUT)

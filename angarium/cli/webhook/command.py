"""``postmaster webhook``: where tenants are told of their mail. A running server sees each change at once."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from angarium.api.native.webhook_wire import webhook_made, webhook_shown
from angarium.cli.config_option import config_option
from angarium.cli.duration import Duration
from angarium.cli.exit import EX_DATAERR, CommandError
from angarium.cli.platform_access import json_option, print_json, using_platform
from angarium.cli.webhook.deliveries import deliveries, replay, show_delivery
from angarium.cli.webhook.trial import test
from angarium.config.schema import Config
from angarium.queue.model import DEFAULT_TENANT
from angarium.tenancy.webhook import FORMATS, WebhookFormat
from angarium.tenancy.webhooks import NewWebhookSecret, WebhookChange, WebhookWish
from angarium.webhooks.guard import Guard, UrlError
from angarium.webhooks.sinks.sink import read_endpoint

_ID = click.argument("webhook_id", metavar="ID")


@click.group()
def webhook() -> None:
    """Webhooks: endpoints that are told what becomes of mail, by signed HTTP requests."""


webhook.add_command(test)
webhook.add_command(deliveries)
webhook.add_command(show_delivery)
webhook.add_command(replay)


@webhook.command()
@click.argument("url", metavar="URL")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose events it hears.")
@click.option(
    "--event",
    "events",
    multiple=True,
    metavar="TYPE",
    help="Only events of this type: email.bounced, email.*, alert.*; omitted: all. Repeat for more.",
)
@click.option("--stream", "streams", multiple=True, help="Only of mail of this stream. Repeat.")
@click.option("--tag", "tags", multiple=True, help="Only of mail that has this tag. Repeat.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="native",
    show_default=True,
    help="The form that events have; native is ours, the others are those of vendors.",
)
@json_option
@config_option
def add(
    url: str,
    tenant: str,
    events: Sequence[str],
    streams: Sequence[str],
    tags: Sequence[str],
    format_: WebhookFormat,
    as_json: bool,
    config_file: Path,
) -> None:
    """Have URL told of events, and print the secret that its requests are signed with.

    https://..., or of a queue or log: kafka+tls://host:port/topic, nats+tls://host:port/subject,
    sqs+https://KEY_ID:SECRET@host/account/queue, syslog+tls://host:port.
    """
    wish = WebhookWish(
        tenant=tenant, url=url, events=events, streams=streams, tags=tags, format=format_
    )
    with using_platform(config_file) as (platform, config):
        _check(url, config)
        made = platform.webhooks.create(wish)
    _print_secret(made, as_json)


@webhook.command("list")
@click.option("--tenant", help="Only those of this tenant.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(tenant: str | None, as_json: bool, config_file: Path) -> None:
    """List the endpoints."""
    with using_platform(config_file) as (platform, _):
        found = platform.webhooks.list(tenant)
    if as_json:
        for each in found:
            print_json(webhook_shown(each))
        return
    if not found:
        click.echo("No webhooks.")
    for each in found:
        state = "" if each.enabled else f"  disabled: {each.reason or 'as asked'}"
        click.echo(f"{each.id}  {each.tenant}  {each.format}  {each.url}{state}")


@webhook.command()
@_ID
@click.option("--secret", "with_secret", is_flag=True, help="Its secret, too.")
@json_option
@config_option
def show(webhook_id: str, with_secret: bool, as_json: bool, config_file: Path) -> None:
    """Show endpoint ID: what it hears, and in which form."""
    with using_platform(config_file) as (platform, _):
        found = platform.webhooks.find(webhook_id)
        shown = (
            webhook_made(found, platform.webhooks.secret(found))
            if with_secret
            else webhook_shown(found)
        )
    _print(shown, as_json)


@webhook.command()
@_ID
@click.option("--url", help="Another URL.")
@click.option("--event", "events", multiple=True, metavar="TYPE", help="These types instead.")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Another form.")
@json_option
@config_option
def change(
    webhook_id: str,
    url: str | None,
    events: Sequence[str],
    format_: WebhookFormat | None,
    as_json: bool,
    config_file: Path,
) -> None:
    """Change endpoint ID; what waits for it is told by what it is then."""
    with using_platform(config_file) as (platform, config):
        if url is not None:
            _check(url, config)
        wanted = WebhookChange(url=url, events=events or None, format=format_)
        found = platform.webhooks.change(webhook_id, wanted)
    _print(webhook_shown(found), as_json)


@webhook.command()
@_ID
@click.option(
    "--overlap",
    type=Duration(),
    default="1d",
    show_default=True,
    help="How long requests are signed with the secret of before, too.",
)
@json_option
@config_option
def rotate(webhook_id: str, overlap: int, as_json: bool, config_file: Path) -> None:
    """Give endpoint ID another secret, and print it; for a while both sign."""
    with using_platform(config_file) as (platform, _):
        made = platform.webhooks.rotate(webhook_id, overlap_ms=overlap)
    _print_secret(made, as_json)


@webhook.command()
@_ID
@json_option
@config_option
def enable(webhook_id: str, as_json: bool, config_file: Path) -> None:
    """Tell endpoint ID of what happens from now on. What failed meanwhile: postmaster webhook replay."""
    _turn(webhook_id, WebhookChange(enabled=True), as_json, config_file)


@webhook.command()
@_ID
@click.option("--reason", default="", help="Shown to whoever looks.")
@json_option
@config_option
def disable(webhook_id: str, reason: str, as_json: bool, config_file: Path) -> None:
    """Tell endpoint ID nothing until it is enabled; what waits for it fails, and can be replayed."""
    _turn(webhook_id, WebhookChange(enabled=False, reason=reason), as_json, config_file)


@webhook.command()
@_ID
@json_option
@config_option
def remove(webhook_id: str, as_json: bool, config_file: Path) -> None:
    """Forget endpoint ID, and what waits for it."""
    with using_platform(config_file) as (platform, _):
        found = platform.webhooks.remove(webhook_id)
    if as_json:
        print_json(webhook_shown(found))
        return
    click.echo(f"Removed {found.id}.")


@webhook.command("callback-secret")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose messages.")
@json_option
@config_option
def callback_secret(tenant: str, as_json: bool, config_file: Path) -> None:
    """Print what requests to callback URLs of single messages are signed with."""
    with using_platform(config_file) as (platform, _):
        secret = platform.webhooks.callback_secret(tenant)
    if as_json:
        print_json({"tenant": tenant, "secret": secret})
        return
    click.echo(secret)


def _turn(webhook_id: str, wanted: WebhookChange, as_json: bool, config_file: Path) -> None:
    with using_platform(config_file) as (platform, _):
        found = platform.webhooks.change(webhook_id, wanted)
    if as_json:
        print_json(webhook_shown(found))
        return
    click.echo(f"{'Enabled' if found.enabled else 'Disabled'} {found.id}.")


def _check(url: str, config: Config) -> None:
    """Raises CommandError: the URL may not be called. The addresses of a name are judged when it is."""
    settings = config.webhook
    try:
        read_endpoint(url, Guard(settings.allow_networks, allow_http=settings.allow_http))
    except UrlError as error:
        raise CommandError(f"url: {error}", EX_DATAERR) from None


def _print_secret(made: NewWebhookSecret, as_json: bool) -> None:
    _print(webhook_made(made.webhook, made.text), as_json)


def _print(shown: msgspec.Struct, as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    for name, value in msgspec.to_builtins(shown).items():
        text = ", ".join(value) if isinstance(value, list) else value
        if text != "":
            click.echo(f"{name + ':':16} {text}")

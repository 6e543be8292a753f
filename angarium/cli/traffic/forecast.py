"""``postmaster forecast``: how long what is queued will take, and which limit keeps it back."""

import json
from pathlib import Path
from typing import Any, Final

import click

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_NOINPUT, EX_OK, CommandError
from angarium.cli.traffic.access import gather, provider_of
from angarium.config.schema import Config, Provider
from angarium.insight.forecast import Bottleneck, Forecast, forecast, total_takes_ms
from angarium.insight.forecast_loads import load_of
from angarium.insight.traffic_table import traffic_table
from angarium.insight.units import span_text
from angarium.mta.egress.pools import DEFAULT
from angarium.queue.wall_clock import wall_clock
from angarium.routing.routing import Routing

_BOTTLENECKS: Final[dict[Bottleneck, str]] = {
    "suspension": "nothing is sent until its suspension ends",
    "warm_up": "the warm-up's allowance",
    "message_rate": "message_rate",
    "connection_rate": "connection_rate x messages_per_connection",
    "connections": "connections x the time of a transaction",
    "provider": "the provider defers much of what it is sent",
    "": "",
}


@click.command(
    "forecast",
    help="How long what is queued will take, and which limit is the bottleneck: at the speed of the last hour.",
)
@config_option
@click.option("--provider", "only", metavar="NAME", help="Only this one.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def forecast_command(config_file: Path, only: str | None, as_json: bool) -> int:
    config, gathered = gather(config_file)
    now = wall_clock()
    rows = [each for each in traffic_table(gathered, now) if only in (None, each.provider)]
    if only is not None and not rows:
        raise CommandError(f"{only}: nothing is queued for a provider of that name", EX_NOINPUT)
    sources = tuple(each.name for each in config.source) or (DEFAULT,)
    helpers = _helpers(config)
    found = [
        forecast(load_of(each, provider_of(config, each.provider), sources, helpers), now)
        for each in rows
    ]
    found = [each for each in found if each.queued or each.held or only is not None]
    if as_json:
        shown = {
            "providers": [_json(each) for each in found],
            "takes_s": _seconds(total_takes_ms(found)),
        }
        click.echo(json.dumps(shown, ensure_ascii=False))
        return EX_OK
    if not found:
        click.echo("nothing is queued")
        return EX_OK
    width = max(len(each.provider or "(not known yet)") for each in found)
    click.echo(f"{'provider':<{width}} {'queued':>8} {'per min':>9} {'takes':>14}  bottleneck")
    for each in found:
        name = each.provider or "(not known yet)"
        click.echo(
            f"{name:<{width}} {each.queued:>8} {each.per_minute:>9} {_span(each.takes_ms):>14}  {_why(each)}"
        )
    if len(found) > 1:
        click.echo(f"all of it: {_span(total_takes_ms(found))}, if nothing new comes in")
    return EX_OK


def _helpers(config: Config) -> dict[str, Provider]:
    """Return the smart host, as a provider, to which each source's pool overflows."""
    routing = Routing.of(config)
    return {
        member.name: provider_of(config, routing.expected_provider(pool.smart_host))
        for pool in config.pool
        if pool.overflow == "smart-host" and pool.smart_host is not None
        for member in pool.sources
    }


def _why(found: Forecast) -> str:
    if not found.bottleneck:
        return f"{found.held} held: not counted" if found.held else ""
    text = _BOTTLENECKS[found.bottleneck]
    if found.takes_eased_ms != found.takes_ms:
        eased = "were it half as long" if found.bottleneck == "suspension" else "with twice of it"
        text += f" ({eased}: {_span(found.takes_eased_ms)})"
    if not found.is_measured:
        text += "; nothing was sent there within the hour, a second for each is assumed"
    return text + (f"; {found.held} more are held" if found.held else "")


def _span(takes_ms: int | None) -> str:
    return "over 90 days" if takes_ms is None else span_text(takes_ms)


def _seconds(takes_ms: int | None) -> float | None:
    return None if takes_ms is None else takes_ms / 1000


def _json(found: Forecast) -> dict[str, Any]:
    return {
        "provider": found.provider,
        "queued": found.queued,
        "held": found.held,
        "per_minute": found.per_minute,
        "takes_s": _seconds(found.takes_ms),
        "bottleneck": found.bottleneck,
        "takes_eased_s": _seconds(found.takes_eased_ms),
        "is_measured": found.is_measured,
    }

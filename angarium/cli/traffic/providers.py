"""``postmaster providers``: what each mailbox provider allows, where that comes from, and what goes there."""

import json
from pathlib import Path
from typing import Any

import click

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_NOINPUT, EX_OK, CommandError
from angarium.cli.traffic.access import gather, provider_of
from angarium.cli.traffic.as_json import provider_json
from angarium.config.providers import all_providers
from angarium.config.schema import Config, Provider
from angarium.insight.provider_limits import LimitShown, limits_shown, matched_text
from angarium.insight.traffic_table import ProviderRow, SourceRow, notes_of, traffic_table
from angarium.queue import UnixMs
from angarium.queue.wall_clock import wall_clock


@click.command(
    help="What each provider allows, and what goes there. With NAME: each limit, and where it comes from."
)
@config_option
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def providers(config_file: Path, name: str | None, as_json: bool) -> int:
    config, gathered = gather(config_file)
    now = wall_clock()
    rows = {each.provider: each for each in traffic_table(gathered, now)}
    known = {each.name: each for each in all_providers(config.provider)}
    wanted = dict.fromkeys([*rows, *known] if name is None else [name])
    if name is not None and name not in known and name not in rows:
        raise CommandError(
            f"{name}: no such provider; postmaster providers lists those that are known or have mail",
            EX_NOINPUT,
        )
    found = [
        (known.get(each) or provider_of(config, each), rows.get(each, ProviderRow(provider=each)))
        for each in wanted
    ]
    if as_json:
        shown = [_json(provider, row, config) for provider, row in found]
        click.echo(json.dumps({"providers": shown}, ensure_ascii=False))
    elif name is None:
        _print_all(found)
    else:
        _print_one(*found[0], config, now)
    return EX_OK


def _print_all(found: list[tuple[Provider, ProviderRow]]) -> None:
    width = max(len(provider.name) for provider, _ in found)
    click.echo(
        f"{'provider':<{width}} {'queued':>8} {'conn':>5} {'sent/min':>8} {'allowed':<22} hosts"
    )
    for provider, row in found:
        queued = "?" if row.queued is None else row.queued
        allowed = f"{provider.connections} x {provider.messages_per_connection} messages"
        name = provider.name or "(not known yet)"
        click.echo(
            f"{name:<{width}} {queued:>8} {row.connections:>5}"
            f" {row.windows.minute.delivered:>8} {allowed:<22} {matched_text(provider)}"
        )


def _print_one(provider: Provider, row: ProviderRow, config: Config, now: UnixMs) -> None:
    hour = row.windows.hour
    queued = "not counted" if row.queued is None else f"{row.queued} ({row.held or 0} held)"
    click.echo(f"provider  {provider.name}")
    click.echo(f"matches   {matched_text(provider)}")
    click.echo(f"queued    {queued}")
    click.echo(
        f"last hour {hour.delivered} sent, {hour.deferred} deferred, {hour.bounced} bounced;"
        f" {hour.connections} connections, {hour.refused} refused"
    )
    click.echo("limits, of each source:")
    for each in limits_shown(provider, config.provider, None):
        click.echo(f"  {each.key:<26} {each.value:<14} {each.origin}")
    for source in row.sources:
        click.echo(f"source {source.source}: {_now_text(source)}")
        for limit in _narrowed(provider, source, config):
            click.echo(f"  {limit.key:<26} {limit.now:<14} in force, instead of {limit.value}")
        for note in notes_of(source, now):
            click.echo(f"  {note}")


def _now_text(row: SourceRow) -> str:
    minute = row.windows.minute
    return (
        f"{row.connections} connections, {row.waiting} recipients ready,"
        f" {minute.delivered} sent in the last minute"
    )


def _narrowed(provider: Provider, source: SourceRow, config: Config) -> list[LimitShown]:
    shown = limits_shown(provider, config.provider, source.limits)
    return [each for each in shown if each.now]


def _json(provider: Provider, row: ProviderRow, config: Config) -> dict[str, Any]:
    return {
        **provider_json(row),
        "mx_suffixes": list(provider.mx_suffixes),
        "domains": list(provider.domains),
        "limits": [
            {"key": each.key, "value": each.value, "origin": each.origin}
            for each in limits_shown(provider, config.provider, None)
        ],
        "narrowed": [
            {
                "source": source.source,
                "key": each.key,
                "value": each.now,
                "configured": each.value,
                "by": [f"{why.kind} {why.name}" for why in source.in_force],
            }
            for source in row.sources
            for each in _narrowed(provider, source, config)
        ],
    }

"""``postmaster sources``: from where mail leaves, and how it fares there."""

import json
from pathlib import Path

import click
import msgspec

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_OK
from angarium.cli.traffic.access import gather
from angarium.cli.traffic.as_json import narrowing_json, windows_json
from angarium.insight.source_table import SourceSummary, source_table
from angarium.insight.traffic_table import narrowing_text, traffic_table
from angarium.queue.wall_clock import wall_clock


@click.command(
    help="The egress sources: address, name, pools and weights, connections, rate and health; then smart hosts that"
    " rest, and SES's quota."
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def sources(config_file: Path, as_json: bool) -> int:
    config, gathered = gather(config_file)
    now = wall_clock()
    found = source_table(config, traffic_table(gathered, now), gathered.in_force, now)
    smart_hosts = [each for each in gathered.in_force if each.kind in ("smart_host", "quota")]
    if as_json:
        rows = [{**msgspec.to_builtins(each), **windows_json(each.windows)} for each in found]
        for row in rows:
            del row["windows"]
        hosts = [narrowing_json(each) for each in smart_hosts]
        click.echo(json.dumps({"sources": rows, "smart_hosts": hosts}, ensure_ascii=False))
        return EX_OK
    click.echo(
        f"{'source':<14} {'address':<18} {'conn':>5} {'sent/min':>8} {'deferred':>8} {'providers':>9}  health"
    )
    for each in found:
        late = each.windows.ten_minutes
        click.echo(
            f"{each.name:<14} {each.address or '(system)':<18} {each.connections:>5}"
            f" {each.windows.minute.delivered:>8} {late.deferred:>8} {each.providers:>9}  {each.health}"
        )
        click.echo(f"{'':<14} {_name_text(each)}")
    for host in smart_hosts:
        click.echo(narrowing_text(host, now))
    return EX_OK


def _name_text(source: SourceSummary) -> str:
    if not source.is_configured:
        return "no longer configured"
    pools = ", ".join(f"{each.pool} ({each.weight} of {each.of})" for each in source.pools)
    return f"EHLO {source.ehlo}; " + (
        f"pools {pools}" if pools else "in no pool: nothing leaves by it"
    )

"""``postmaster queue rules``: the standing hold rules, made by ``postmaster queue hold --rule``."""

import json
from pathlib import Path

import click

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_OK
from angarium.cli.queue.access import open_queue
from angarium.cli.queue.acts import print_affected, reason_option
from angarium.insight.holds import hold_name
from angarium.insight.units import count_text


@click.group(
    help="List the standing hold rules, or remove one. They are made by: queue hold --rule.",
    invoke_without_command=True,
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def rules(ctx: click.Context, config_file: Path, as_json: bool) -> int:
    if ctx.invoked_subcommand is not None:
        return EX_OK
    with open_queue(config_file) as reached:
        found = reached.hold_rules()
    if as_json:
        from angarium.cli.queue.as_json import rule_json

        rows = [rule_json(each) for each in found]
        click.echo(json.dumps({"rules": rows}, ensure_ascii=False))
        return EX_OK
    from angarium.cli.queue.table import rule_text

    for each in found:
        click.echo(f"{each.id:>5}  {rule_text(each)}")
    if not found:
        click.echo("no rules")
    return EX_OK


@rules.command("remove", help="Remove a rule. What it held stays held, unless --release.")
@config_option
@click.argument("rule_id", metavar="ID", type=click.IntRange(1))
@click.option("--release", is_flag=True, help="Release what the rule held.")
@reason_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def remove(config_file: Path, rule_id: int, release: bool, reason: str, as_json: bool) -> int:
    with open_queue(config_file) as reached:
        affected = reached.remove_hold_rule(rule_id, reason, release=release)
    released = count_text(affected.count, "recipient") if release else ""
    name = hold_name(rule_id)
    note_act(config_file, "queue.rule_undone", name, reason=reason, released=released)
    if as_json:
        from angarium.cli.queue.as_json import affected_json

        row = affected_json("release", affected, dry_run=False)
        click.echo(json.dumps({"removed": rule_id, **row}))
        return EX_OK
    click.echo(f"Rule {rule_id} is removed.")
    if release:
        print_affected("release", affected)
    else:
        click.echo("What it held stays held: postmaster queue release")
    return EX_OK

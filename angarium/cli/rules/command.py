"""``postmaster rules``: what is in force of rules and of operators' holds, why and until when."""

import json
from pathlib import Path
from typing import Any

import click

from angarium.cli.asking import find_running, refusal_error
from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_CONFIG, EX_NOINPUT, EX_OK
from angarium.cli.rules.replay import replay
from angarium.config.quantity import rate_text
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.rules import RuleNow, UndoRule
from angarium.insight.admin.rules_served import gather_rules, undo_rules
from angarium.insight.units import span_text
from angarium.queue.wall_clock import wall_clock
from angarium.telemetry.timestamp import rfc3339


@click.group(
    help="See what providers' replies have put in force, and undo it; check and try rules."
)
def rules() -> int:
    return EX_OK


@rules.command(
    "list", help="List what is in force: which rule, for whom, since and until when, and why."
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(config_file: Path, as_json: bool) -> int:
    data_dir = Path(load_for_queue(config_file).server.data_dir)
    slots = [*find_running(data_dir, "delivery"), *find_running(data_dir, "platform")]
    gathered = gather_rules(data_dir, slots)
    for _, refused in gathered.unheard:
        if refused.reason == "forbidden":
            raise refusal_error(refused)
    found, left_off = gathered.rules, gathered.left_off
    unheard = [slot for slot, _ in gathered.unheard]
    if as_json:
        rows = [_row(each) for each in found]
        document = {"rules": rows, "left_off": left_off, "unheard": unheard}
        click.echo(json.dumps(document, ensure_ascii=False))
        return EX_OK
    now = wall_clock()
    for each in found:
        click.echo(f"{each.rule}: {_effect_text(each)} {each.scope}, {_time_text(each, now)}")
        replies = f" ({each.replies} so far)" if each.replies > 1 else ""
        by = f"by {each.who}{': ' * bool(each.reply)}" if each.who else ""
        click.echo(f"    {by}{each.reply}{replies}")
    if left_off:
        click.echo(f"... and {left_off} more")
    if not found:
        click.echo("no rule is in force")
    for slot in unheard:
        click.echo(f"postmaster: {slot} does not answer", err=True)
    return EX_OK


@rules.command(
    help="Find rules that can never fire, or that others hide. FILE: instead of [rules] file."
)
@config_option
@click.argument("file", required=False, type=click.Path(path_type=Path, readable=False))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def lint(config_file: Path, file: Path | None, as_json: bool) -> int:
    from angarium.config.loader import load
    from angarium.config.rules import all_rules
    from angarium.reputation import rule_lint

    config = load(config_file, rules_file=file)
    found = all_rules(config)
    findings = rule_lint.lint(config, found)
    if as_json:
        listed = [{"rule": each.rule, "kind": each.kind, "text": each.text} for each in findings]
        document = {"ok": not findings, "rules": len(found), "findings": listed}
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        for each in findings:
            click.echo(f"{each.rule}: {each.text}")
        click.echo(f"{len(found)} rules: {len(findings) or 'none'} to look at.")
    return EX_CONFIG if findings else EX_OK


@rules.command(
    help="End what is in force by the rule NAME: all of it, or for one SCOPE as rules list has it, in quotes."
    " An operator's hold is one, too: what it holds is released."
)
@config_option
@click.argument("name")
@click.argument("scope", default="")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the log.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def undo(config_file: Path, name: str, scope: str, reason: str, as_json: bool) -> int:
    data_dir = Path(load_for_queue(config_file).server.data_dir)
    question = UndoRule(name=name, scope=scope, reason=reason)
    slots = [*find_running(data_dir, "delivery"), *find_running(data_dir, "platform")]
    undone = undo_rules(data_dir, slots, question)
    if isinstance(undone, Refused):
        raise refusal_error(undone)
    if undone:
        note_act(config_file, "queue.rule_undone", name, scope=scope, reason=reason)
    if as_json:
        document = {"undone": [_row(each) for each in undone]}
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        for each in undone:
            click.echo(f"Ended {each.rule}: {_effect_text(each)} {each.scope}.")
        if not undone:
            click.echo(f"Nothing is in force by {name}{f' for {scope}' * bool(scope)}.")
    return EX_OK if undone else EX_NOINPUT


rules.add_command(replay)


def _effect_text(rule: RuleNow) -> str:
    match rule.action:
        case "throttle":
            return f"at most {rate_text(rule.allowed)} by"
        case "connections":
            return f"{int(rule.allowed)} of {int(rule.usual)} connections of"
        case "messages_per_connection":
            return f"{int(rule.allowed)} of {int(rule.usual)} messages per connection of"
        case "hold":
            return "holds"
        case "reroute":
            return f"sends by pool {rule.pool}:"
        case _:
            return "suspends"


def _time_text(rule: RuleNow, now: int) -> str:
    since = f"in force for {span_text(now - rule.since)}"
    if rule.until is None:
        return f"{since}, until it is undone"
    if rule.until > now:
        ends = rule.ends
        slowly = (
            f", then comes back over {span_text(ends - rule.until)}"
            if ends and ends > rule.until
            else ""
        )
        return f"{since}, {span_text(rule.until - now)} more{slowly}"
    return f"{since}, coming back" + (f" in {span_text(rule.ends - now)}" if rule.ends else "")


def _row(rule: RuleNow) -> dict[str, Any]:
    return {
        "rule": rule.rule,
        "action": rule.action,
        "scope": rule.scope,
        "since": rfc3339(rule.since),
        "until": None if rule.until is None else rfc3339(rule.until),
        "ends": None if rule.ends is None else rfc3339(rule.ends),
        "reply": rule.reply,
        "replies": rule.replies,
        "allowed": rule.allowed or None,
        "usual": rule.usual or None,
        "pool": rule.pool or None,
        "who": rule.who or None,
    }

"""What changes the queue: retry, hold, release, cancel. Each refuses an empty filter and has a dry run."""

import itertools
import json
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from angarium.cli.audited import note_act, note_all
from angarium.cli.config_option import config_option
from angarium.cli.duration import Duration
from angarium.cli.exit import EX_NOINPUT, EX_OK
from angarium.cli.progress import count_progress
from angarium.cli.queue.access import open_queue
from angarium.cli.queue.filter import filter_options
from angarium.cli.queue.ids import with_whole_ids
from angarium.insight.holds import hold_name
from angarium.insight.units import count_text
from angarium.queue import Filter, UnixMs, delivery_id_text
from angarium.queue.act import ACTOR_CHARACTERS, Act
from angarium.queue.entry import Affected
from angarium.queue.hold_rule import HoldRule
from angarium.queue.wall_clock import wall_clock

RECIPIENTS_PRINTED: Final = 20
_FILTER_CHARACTERS: Final = 500

_HELP: Final[dict[Act, str]] = {
    "retry": "Try scheduled recipients again now.",
    "hold": "Keep scheduled recipients until they are released. Their time runs on: after it, a release is for one"
    " last attempt.\n\nWith --rule, mail that comes later and matches is held, too, until the rule is removed"
    " (postmaster queue rules) or over (--until).",
    "release": "Put held recipients back into the schedule. What a rule holds passes it for one attempt.",
    "cancel": "Remove recipients from the queue. Their senders are not told.",
    "reroute": "Send recipients another way from now on, whatever the routes say; they are due at once, unless they"
    " are held.",
    "bounce": "Return recipients to their senders now, with a notice (DSN), which gives --reason.",
}
_DONE: Final[dict[Act, str]] = {
    "retry": "due now",
    "hold": "held",
    "release": "released",
    "cancel": "cancelled",
    "reroute": "rerouted, and due now unless held",
    "bounce": "returned to their senders",
}
# What a rule can be about: it is asked before each attempt
_RULE_CONDITIONS: Final = ("tenants", "senders", "domains", "providers", "campaigns")

reason_option = click.option(
    "--reason",
    default="",
    metavar="TEXT",
    help=f"Why, for the events of each recipient (at most {ACTOR_CHARACTERS} characters).",
)


_TO: Final = click.Option(
    ["--to", "via"],
    required=True,
    metavar="WAY",
    help="smtp://host[:port], smtps://..., mx (the domain's own hosts), or default (as the routes say, again).",
)


def _command(act: Act) -> click.Command:
    @click.command(act, help=_HELP[act])
    @config_option
    @filter_options
    @reason_option
    @click.option("--dry-run", is_flag=True, help="Only say what would be done.")
    @click.option("--json", "as_json", is_flag=True, help="As JSON.")
    def command(
        config_file: Path,
        wanted: Filter,
        reason: str,
        dry_run: bool,
        as_json: bool,
        rule: bool = False,
        until_ms: int | None = None,
        via: str = "",
    ) -> int:
        made = _rules(wanted, until_ms) if rule else ()
        if until_ms is not None and not rule:
            raise click.UsageError("--until belongs to --rule: a plain hold ends with a release")
        if made and not dry_run:
            added = _add_rules(config_file, made, reason)
            return _print_rules(added, as_json=as_json)
        with open_queue(config_file) as reached:
            wanted = with_whole_ids(reached, wanted)
            total = reached.summary().recipients
            with count_progress(act, total, hidden=as_json or dry_run) as progress:
                affected = reached.act(
                    act, wanted, reason, dry_run=dry_run, progress=progress, via=via
                )
        if affected.count and not dry_run:
            note_act(
                config_file,
                f"queue.{act}",
                count_text(affected.count, "recipient"),
                filter=filter_text(wanted),
                reason=affected.reason,
                via=via,
            )
        if as_json:
            from angarium.cli.queue.as_json import affected_json

            click.echo(json.dumps(affected_json(act, affected, dry_run=dry_run)))
        else:
            print_affected(act, affected, dry_run=dry_run)
        return _exit_code(wanted, affected)

    if act == "reroute":
        command.params.append(_TO)
    return _with_rule_options(command) if act == "hold" else command


def _with_rule_options(command: click.Command) -> click.Command:
    command.params += [
        click.Option(
            ["--rule"],
            is_flag=True,
            help="A standing rule: later mail, too. By --tenant, --sender, --domain, --provider and --campaign.",
        ),
        click.Option(
            ["--until", "until_ms"],
            type=Duration(),
            help="How long the rule is in force: 90s, 15m, 2h, 2d; then what it held is released.",
        ),
    ]
    return command


def _rules(wanted: Filter, until_ms: int | None) -> tuple[HoldRule, ...]:
    """Return a rule for each combination of the values that are given."""
    given: dict[str, Any] = {name: getattr(wanted, name) for name in _RULE_CONDITIONS}
    if wanted != Filter(**given):
        allowed = ", ".join(f"--{name.removesuffix('s')}" for name in _RULE_CONDITIONS)
        raise click.UsageError(f"a rule binds later mail, which is known by {allowed} only")
    until = None if until_ms is None else UnixMs(wall_clock() + until_ms)
    values = [given[name] or (None,) for name in _RULE_CONDITIONS]
    return tuple(
        HoldRule(
            tenant=tenant,
            sender=sender,
            domain=domain,
            provider=provider,
            campaign=campaign,
            until=until,
        )
        for tenant, sender, domain, provider, campaign in itertools.product(*values)
    )


def _add_rules(
    config_file: Path, rules: tuple[HoldRule, ...], reason: str
) -> list[tuple[HoldRule, int]]:
    """Return each, and how much it holds now."""
    added: list[tuple[HoldRule, int]] = []
    with open_queue(config_file) as reached:
        for each in rules:
            rule = reached.add_hold_rule(each, reason)
            held = reached.breakdown(Filter(rules=(rule.id,)), "age", 1).total.count
            added.append((rule, held))
    names = [hold_name(rule.id) for rule, _ in added]
    note_all(config_file, "queue.rule_added", names, "rules", reason=reason)
    return added


def _print_rules(added: list[tuple[HoldRule, int]], *, as_json: bool) -> int:
    if as_json:
        from angarium.cli.queue.as_json import rule_json

        rows = [{**rule_json(rule), "held_now": held} for rule, held in added]
        click.echo(json.dumps({"act": "hold", "rules": rows}, ensure_ascii=False))
        return EX_OK
    from angarium.cli.queue.table import rule_text

    for rule, held in added:
        click.echo(f"Rule {rule.id} holds what matches, now and later: {rule_text(rule)}.")
        click.echo(f"It holds {count_text(held, 'recipient')} now: queue list --held-by {rule.id}")
        click.echo(f"It ends by `postmaster queue rules remove {rule.id}`.")
    return EX_OK


def filter_text(wanted: Filter) -> str:
    """Return what was asked for, bounded: for the audit."""
    text = " ".join(
        f"{name}={value}" for name, value in msgspec.to_builtins(wanted).items() if value
    )
    return text[:_FILTER_CHARACTERS]


def _exit_code(wanted: Filter, affected: Affected) -> int:
    """Whoever names recipients by their ids hears when none of them is there."""
    if wanted.ids and not (affected.count or affected.in_flight or affected.unchanged):
        click.echo("postmaster: no such recipient in the queue", err=True)
        return EX_NOINPUT
    return EX_OK


def print_affected(act: Act, affected: Affected, *, dry_run: bool = False) -> None:
    would = "would be " if dry_run else ""
    because = f": {affected.reason}" if affected.reason else ""
    by = f" by {affected.who}{because}" if affected.count and not dry_run else ""
    click.echo(f"{count_text(affected.count, 'recipient')} {would}{_DONE[act]}{by}.")
    for each in affected.named[:RECIPIENTS_PRINTED]:
        click.echo(f"  {delivery_id_text(each.id)}  <{each.recipient}>")
    if affected.count > RECIPIENTS_PRINTED:
        click.echo(f"  ... and {affected.count - RECIPIENTS_PRINTED} more")
    if affected.in_flight:
        click.echo(f"{affected.in_flight} more being tried right now: left alone; ask again later.")
    if affected.unchanged:
        click.echo(f"{affected.unchanged} more matched but needed no change.")


ACTS: Final = tuple(_command(act) for act in _HELP)

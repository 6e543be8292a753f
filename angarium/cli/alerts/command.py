"""``postmaster alerts``: which alarms are raised, what was, who is told, and who is spared."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from angarium.alarms.catalogue import alarms_of, find_about, find_alarm
from angarium.alarms.shown import shown, silence_shown
from angarium.alarms.silence import Silence
from angarium.alarms.subject import KINDS, Subject, find_subject
from angarium.cli.alerts.asking import ask, find_alarms
from angarium.cli.alerts.text import (
    history_lines,
    raised_lines,
    show_lines,
    silence_line,
)
from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.duration import Duration
from angarium.cli.exit import EX_OK, EX_TEMPFAIL, EX_USAGE, CommandError
from angarium.cli.queue.acts import reason_option
from angarium.config.alarm_limits import ALARM_NAMES
from angarium.insight.admin.alarms import (
    AlarmsNow,
    AskAlarms,
    EndSilence,
    SilenceAlarms,
    TryTargets,
)
from angarium.queue import UnixMs
from angarium.queue.wall_clock import wall_clock
from angarium.telemetry.timestamp import rfc3339

# Ours: of each target a request with its answer
_TEST_S = 120.0


@click.group(
    help="Which alarms are raised: what, where, since when. Without a command: `list`. Exit code 75: one is raised that"
    " is not silenced. Where no server runs: as it was when the server ended.",
    invoke_without_command=True,
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def alerts(ctx: click.Context, config_file: Path, as_json: bool) -> int:
    if ctx.invoked_subcommand is not None:
        return EX_OK
    return _list(config_file, as_json=as_json)


@alerts.command("list", help="The same as without a command.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(config_file: Path, as_json: bool) -> int:
    return _list(config_file, as_json=as_json)


@alerts.command(help="What was raised and is over, the latest first.")
@config_option
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def history(config_file: Path, limit: int, as_json: bool) -> int:
    found, is_running = find_alarms(config_file, AskAlarms(over=limit))
    if as_json:
        rows = [shown(each, find_about(each.alarm)) for each in found.over]
        _print_json({"running": is_running, "alarms": rows})
        return EX_OK
    _print(history_lines(found))
    return EX_OK


@alerts.command(help="All that is known of one, raised or over, and where to look further.")
@config_option
@click.argument("id_", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(config_file: Path, id_: str, as_json: bool) -> int:
    found, _ = find_alarms(config_file, AskAlarms(id=id_, over=1))
    raised = (*found.raised, *found.over)[0]
    if as_json:
        _print_json(
            {**shown(raised, find_about(raised.alarm)), "silenced": raised.id in found.silenced}
        )
        return EX_OK
    alarms = {each.name: each for each in alarms_of(load_for_queue(config_file).alarm)}
    alarm = alarms.get(raised.alarm) or find_alarm(raised.alarm)
    _print(show_lines(raised, alarm, is_silenced=raised.id in found.silenced))
    return EX_OK


@alerts.command(
    help="Have nobody told of ALARM for a while, or of all alarms (ALARM is `all`). It stays on the list, and what is"
    " over is told to whom was told before."
)
@config_option
@click.argument("alarm")
@click.option(
    "--for", "for_ms", type=Duration(), required=True, help="How long: 90m, 2d; 30 days at most."
)
@click.option(
    "--subject", default="", help='Only of this: "tenant acme", "provider gmail", "source ip1".'
)
@reason_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def silence(
    config_file: Path, alarm: str, for_ms: int, subject: str, reason: str, as_json: bool
) -> int:
    if alarm not in (*ALARM_NAMES, "all"):
        text = f"no alarm {alarm!r}; there are: all, {', '.join(ALARM_NAMES)}"
        raise CommandError(text, EX_USAGE)
    asked = SilenceAlarms(
        alarm="" if alarm == "all" else alarm,
        subject=_subject(subject),
        until=UnixMs(wall_clock() + for_ms),
        reason=reason,
    )
    made = ask(load_for_queue(config_file), asked)
    note_act(config_file, "alarm.silenced", alarm, of=subject, reason=reason)
    return _print_silence(made, as_json=as_json)


@alerts.command(help="End the silence of this NUMBER, as `list` shows it.")
@config_option
@click.argument("number", type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def unsilence(config_file: Path, number: int, as_json: bool) -> int:
    ended = ask(load_for_queue(config_file), EndSilence(id=number))
    note_act(config_file, "alarm.silence_ended", ended.alarm or "all", silence=str(ended.id))
    if as_json:
        _print_json(silence_shown(ended))
        return EX_OK
    click.echo(f"Silence {ended.id} has ended.")
    return EX_OK


@alerts.command(
    help="Tell everybody in [[alarms.notify]], or only the one of this NAME, that nothing is wrong, to see whether it"
    " arrives. Exit code 75: somebody could not be told."
)
@config_option
@click.argument("name", default="")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def test(config_file: Path, name: str, as_json: bool) -> int:
    tried = ask(load_for_queue(config_file), TryTargets(name=name), _TEST_S)
    if as_json:
        rows = [
            {"name": each.name, "outcome": each.outcome, "problem": each.problem}
            for each in tried.targets
        ]
        _print_json({"targets": rows})
    else:
        for each in tried.targets:
            click.echo(f"{each.name}: {each.problem or each.outcome}")
    return EX_TEMPFAIL if any(each.problem for each in tried.targets) else EX_OK


# --------------------------------------------------------------------------------------------


def _list(config_file: Path, *, as_json: bool) -> int:
    found, is_running = find_alarms(config_file, AskAlarms())
    if as_json:
        _print_json(_listed(found, is_running=is_running))
    else:
        if not is_running:
            click.echo("No server runs: this is as it was when it ended.", err=True)
        _print(raised_lines(found))
    is_loud = any(each.id not in found.silenced for each in found.raised)
    return EX_TEMPFAIL if is_loud else EX_OK


def _listed(found: AlarmsNow, *, is_running: bool) -> dict[str, Any]:
    return {
        "running": is_running,
        "enabled": found.enabled,
        "at": rfc3339(found.at),
        "raised": [
            {**shown(each, find_about(each.alarm)), "silenced": each.id in found.silenced}
            for each in found.raised
        ],
        "silences": [silence_shown(each) for each in found.silences],
        "targets": [
            {
                "name": each.name,
                "kind": each.kind,
                "waiting": each.waiting,
                "failures": each.failures,
                "problem": each.problem,
            }
            for each in found.targets
        ],
    }


def _print_silence(silence: Silence, *, as_json: bool) -> int:
    if as_json:
        _print_json(silence_shown(silence))
    else:
        click.echo(silence_line(silence, wall_clock()))
    return EX_OK


def _subject(text: str) -> Subject | None:
    if not text:
        return None
    found = find_subject(text)
    if found is None:
        kinds = ", ".join(KINDS)
        raise CommandError(
            f'{text!r} is no subject; write a kind and a name, as "tenant acme"; kinds: {kinds}',
            EX_USAGE,
        )
    return found


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, ensure_ascii=False))

"""``postmaster reload``: have the running server read its configuration again, and say what each process made of it."""

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from angarium.cli.asking import answered, find_running
from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_CONFIG, EX_OK, EX_TEMPFAIL
from angarium.config.error import ConfigError
from angarium.config.loader import load
from angarium.insight.admin.client import ask_process
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.reloading import AskReload, ReloadResult, act_of
from angarium.insight.admin.status import AskStatus, Status
from angarium.telemetry.timestamp import rfc3339

# Ours: a renewed process may have to let its clients' transactions end first
PATIENCE_S: Final = 60.0
_POLL_S: Final = 0.1
_PLATFORM: Final = "platform-0"  # the process that takes the question to the supervisor


class _Process(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    state: str  # taken | started_anew | refused | unanswered
    problems: tuple[str, ...] = ()


@click.command(
    help="Have the running server read its configuration again, and wait for what becomes of it. Exit code 78: it was"
    " refused; 75: a process did not take all of it."
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def reload(config_file: Path, as_json: bool) -> int:
    try:
        data_dir = Path(load(config_file).server.data_dir)
    except ConfigError as error:
        click.echo(str(error), err=True)
        click.echo("refused: the server was not asked, and goes on as it was", err=True)
        return EX_CONFIG
    slots = find_running(data_dir)
    result = answered(ask_process(data_dir, _PLATFORM, AskReload(), timeout_s=PATIENCE_S))
    act = act_of(result)
    note_act(config_file, act.action, act.subject, problem=act.problem)
    processes: list[_Process] = []
    if not result.refused:
        end = time.monotonic() + PATIENCE_S
        slots = sorted({*slots, *result.renewed})
        processes = [_outcome(data_dir, slot, result, end) for slot in slots]
    if as_json:
        click.echo(json.dumps(_as_json(result, processes), ensure_ascii=False))
    else:
        _say(result, processes)
    if result.refused:
        return EX_CONFIG
    is_whole = all(each.state in ("taken", "started_anew") for each in processes)
    return EX_OK if is_whole else EX_TEMPFAIL


def _outcome(data_dir: Path, slot: str, result: ReloadResult, end: float) -> _Process:
    """Ask until the process has obeyed, which one that starts anew does by starting."""
    while True:
        answer = ask_process(data_dir, slot, AskStatus(), timeout_s=5.0)
        if isinstance(answer, Status) and _has_obeyed(answer, result):
            assert answer.reload is not None
            problems = answer.reload.problems
            state = "started_anew" if slot in result.renewed else "taken"
            return _Process(slot=slot, state="refused" if problems else state, problems=problems)
        if time.monotonic() >= end:
            why = answer.text if isinstance(answer, Refused) else "; ".join(answer.reasons)
            text = f"not yet: {why or 'it has not said that it has read it'}"
            return _Process(slot=slot, state="unanswered", problems=(text,))
        time.sleep(_POLL_S)


def _has_obeyed(status: Status, result: ReloadResult) -> bool:
    if status.reload is None or status.reload.server.number < result.number:
        return False
    if status.slot not in result.renewed:
        return True
    return status.since >= result.at and not {"starting", "stopping"} & set(status.reasons)


def _say(result: ReloadResult, processes: list[_Process]) -> None:
    if result.refused:
        for line in result.refused:
            click.echo(line, err=True)
        click.echo("refused: the server goes on as it was", err=True)
        return
    for each in processes:
        click.echo(f"{each.slot:<12} {each.state.replace('_', ' ')}")
        for problem in each.problems:
            click.echo(f"  {problem}", err=True)
    if result.restart:
        keys = ", ".join(result.restart)
        click.echo(f"a restart of the server is needed for: {keys}", file=sys.stderr)


def _as_json(result: ReloadResult, processes: list[_Process]) -> dict[str, Any]:
    return {
        "number": result.number,
        "at": rfc3339(result.at),
        "taken": not result.refused,
        "refused": list(result.refused),
        "restart": list(result.restart),
        "processes": [msgspec.to_builtins(each) for each in processes],
    }

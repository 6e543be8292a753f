"""``postmaster status``: how each process of the running server is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from angarium.cli.asking import find_running, refusal_error
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_OK, EX_TEMPFAIL
from angarium.insight.admin.client import ask_process
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.reloading import ProcessReload
from angarium.insight.admin.status import AskStatus, Status
from angarium.telemetry.timestamp import rfc3339

# Ours: a process that is well answers in milliseconds
ANSWER_S = 5.0


@click.command(
    help="How each process of the running server is, and its last reload. Exit code 75: one is not well."
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(config_file: Path, as_json: bool) -> int:
    data_dir = Path(load_for_queue(config_file).server.data_dir)
    rows = [
        _row(slot, ask_process(data_dir, slot, AskStatus(), timeout_s=ANSWER_S))
        for slot in find_running(data_dir)
    ]
    if as_json:
        click.echo(json.dumps({"processes": rows}, ensure_ascii=False))
    else:
        for row in rows:
            how = "; ".join(row["reasons"]) or "ready"
            since = (row["since"] or "-")[:19].replace("T", " ")
            click.echo(f"{row['slot']:<12} {row['pid'] or '-':>8}  since {since}  {how}")
            for note in row["notes"]:
                click.echo(f"{'':<12} {note}")
        for line in _reloads(rows):
            click.echo(line)
    return EX_TEMPFAIL if any(each["reasons"] for each in rows) else EX_OK


def _row(slot: str, answer: Status | Refused) -> dict[str, Any]:
    if isinstance(answer, Refused):
        if answer.reason == "forbidden":
            raise refusal_error(answer)
        reasons = [answer.text]
        return {
            "slot": slot,
            "pid": None,
            "version": None,
            "since": None,
            "reasons": reasons,
            "notes": [],
            "reload": None,
        }
    return {
        "slot": slot,
        "pid": answer.pid,
        "version": answer.version,
        "since": rfc3339(answer.since),
        "reasons": list(answer.reasons),
        "notes": list(answer.notes),
        "reload": None if answer.reload is None else _reload(answer.reload),
    }


def _reload(last: ProcessReload) -> dict[str, Any]:
    return {
        "number": last.server.number,
        "at": rfc3339(last.server.at),
        "taken": last.is_taken,
        "problems": [*last.server.refused, *last.problems],
        "restart": list(last.server.restart),
    }


def _reloads(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Say what the last reload came to, once where all processes agree."""
    last = {json.dumps(row["reload"]): row["reload"] for row in rows if row["reload"] is not None}
    for each in last.values():
        slots = [row["slot"] for row in rows if row["reload"] == each]
        where = "" if len(slots) == len(rows) else f" ({', '.join(slots)})"
        how = "taken" if each["taken"] else "refused"
        yield f"reload {each['number']} at {each['at'][:19].replace('T', ' ')}: {how}{where}"
        yield from (f"  {problem}" for problem in each["problems"])
        if each["restart"]:
            yield f"  a restart of the server is needed for: {', '.join(each['restart'])}"

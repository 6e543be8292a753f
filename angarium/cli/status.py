"""``postmaster status``: how each process of the running server is."""

import json
from pathlib import Path
from typing import Any

import click

from angarium.cli.asking import find_running, refusal_error
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_OK, EX_TEMPFAIL
from angarium.insight.admin.client import ask_process
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.status import AskStatus, Status
from angarium.telemetry.timestamp import rfc3339

# Ours: a process that is well answers in milliseconds
ANSWER_S = 5.0


@click.command(help="How each process of the running server is. Exit code 75: one is not well.")
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
        }
    return {
        "slot": slot,
        "pid": answer.pid,
        "version": answer.version,
        "since": rfc3339(answer.since),
        "reasons": list(answer.reasons),
        "notes": list(answer.notes),
    }

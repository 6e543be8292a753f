"""``postmaster connections``: who is connected to the running server, whom it is connected to, and ending one."""

import json
from pathlib import Path
from typing import Any

import click

from angarium.cli.asking import answered, find_running, refusal_error
from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_NOINPUT, EX_OK, EX_USAGE, CommandError
from angarium.insight.admin.client import ask_process
from angarium.insight.admin.connections import EndConnection, ListConnections, OpenConnection
from angarium.insight.admin.protocol import Refused
from angarium.insight.units import span_text
from angarium.queue.wall_clock import wall_clock
from angarium.telemetry.timestamp import rfc3339


@click.group(
    help="The open connections: of clients (in) and to mail hosts (out). Without a command: list.",
    invoke_without_command=True,
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def connections(ctx: click.Context, config_file: Path, as_json: bool) -> int:
    return EX_OK if ctx.invoked_subcommand is not None else _list(config_file, as_json=as_json)


@connections.command("list", help="List them, the oldest of each process first.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_command(config_file: Path, as_json: bool) -> int:
    return _list(config_file, as_json=as_json)


def _list(config_file: Path, *, as_json: bool) -> int:
    data_dir = Path(load_for_queue(config_file).server.data_dir)
    found: list[OpenConnection] = []
    left_off = 0
    unheard: list[str] = []
    for slot in find_running(data_dir, "delivery", "ingress"):
        answer = ask_process(data_dir, slot, ListConnections())
        if isinstance(answer, Refused):
            if answer.reason == "forbidden":
                raise refusal_error(answer)
            unheard.append(slot)
            continue
        found += answer.connections
        left_off += answer.left_off
    if as_json:
        rows = [_row(each) for each in found]
        text = json.dumps(
            {"connections": rows, "left_off": left_off, "unheard": unheard}, ensure_ascii=False
        )
        click.echo(text)
        return EX_OK
    _print(found, left_off)
    for slot in unheard:
        click.echo(f"postmaster: {slot} does not answer", err=True)
    return EX_OK


@connections.command(
    help="End a connection at once. What is in transfer on it may have been delivered; it is tried again, in doubt."
)
@config_option
@click.argument("id_", metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the log.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def abort(config_file: Path, id_: str, reason: str, as_json: bool) -> int:
    data_dir = Path(load_for_queue(config_file).server.data_dir)
    slot, _, number = id_.rpartition("/")
    if not number.isdecimal() or not slot:
        raise CommandError(
            f"{id_!r} is no connection: copy one of postmaster connections", EX_USAGE
        )
    if slot not in find_running(data_dir):
        raise CommandError(f"{id_}: there is no process {slot}", EX_NOINPUT)
    answer = answered(ask_process(data_dir, slot, EndConnection(id=id_, reason=reason)))
    note_act(config_file, "connection.aborted", id_, reason=reason)
    if as_json:
        click.echo(json.dumps({"aborted": _row(answer.connection)}, ensure_ascii=False))
    else:
        ended = answer.connection
        click.echo(f"Ended {ended.id}: {_whom(ended)}, {ended.phase}.")
    return EX_OK


def _print(found: list[OpenConnection], left_off: int) -> None:
    now = wall_clock()
    if found:
        click.echo(f"{'id':<16} {'dir':<3} {'age':>10} {'mails':>5} {'phase':<10} with")
    for each in found:
        click.echo(
            f"{each.id:<16} {each.direction:<3} {span_text(now - each.since):>10} {each.transfers:>5}"
            f" {each.phase:<10} {_whom(each)}"
        )
    if left_off:
        click.echo(f"... and {left_off} more")
    if not found:
        click.echo("no connections")


def _whom(connection: OpenConnection) -> str:
    text = connection.peer or "(no host yet)"
    if connection.address and connection.address != connection.peer:
        text += f" [{connection.address}]"
    if connection.place:
        text += (
            f" of {connection.place}"
            if connection.direction == "out"
            else f" at {connection.place}"
        )
    if connection.awaits:
        text += f": {connection.awaits}"
    if connection.user:
        text += f", user {connection.user}"
    return text + (f", from source {connection.source}" if connection.source else "")


def _row(connection: OpenConnection) -> dict[str, Any]:
    return {
        "id": connection.id,
        "direction": connection.direction,
        "since": rfc3339(connection.since),
        "phase": connection.phase,
        "peer": connection.peer,
        "address": connection.address,
        "place": connection.place,
        "source": connection.source,
        "user": connection.user,
        "transfers": connection.transfers,
        "awaits": connection.awaits,
        "hangs": connection.hangs,
    }

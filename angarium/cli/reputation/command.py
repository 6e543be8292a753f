"""``postmaster reputation``: how senders stand and why, who is paused, and which blocklists have us."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, get_args

import click

from angarium.cli.asking import answered, find_running
from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_NOINPUT, EX_OK, EX_UNAVAILABLE, CommandError
from angarium.cli.queue.acts import print_affected, reason_option
from angarium.cli.queue.as_json import affected_json
from angarium.cli.reputation.as_json import listings_json, paused_json, subject_json
from angarium.cli.reputation.text import (
    listings_lines,
    paused_line,
    subject_lines,
    table_lines,
)
from angarium.insight.admin.client import ANSWER_S, ask_process
from angarium.insight.admin.protocol import Question
from angarium.insight.admin.standing import (
    AskListings,
    AskStanding,
    ListingsNow,
    ResumeSender,
    StandingNow,
)
from angarium.queue.wall_clock import wall_clock
from angarium.reputation.figures import Kind

A = TypeVar("A")
# Ours: of zones that do not answer, each waits for its time
CHECK_S = 10 * ANSWER_S


@click.group(
    help="How sources, providers, tenants, campaigns and sender domains stand: what was sent, deferred, bounced and"
    " complained of, with a score from 0 to 100 and its reasons. Without a command: all of them.",
    invoke_without_command=True,
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def reputation(ctx: click.Context, config_file: Path, as_json: bool) -> int:
    if ctx.invoked_subcommand is not None:
        return EX_OK
    return _show(config_file, None, "", as_json=as_json)


def _command(kind: Kind, about: str) -> click.Command:
    @click.command(kind, help=about)
    @config_option
    @click.argument("name", default="")
    @click.option("--json", "as_json", is_flag=True, help="As JSON.")
    def command(config_file: Path, name: str, as_json: bool) -> int:
        return _show(config_file, kind, name, as_json=as_json)

    return command


_HELP: dict[Kind, str] = {
    "source": "How the egress source NAME stands, or each of them.",
    "provider": "How our mail fares at the mailbox provider NAME, or at each of them.",
    "path": "The same of one source at one provider, NAME being 'ip1 at gmail'; or of each pair.",
    "tenant": "How the tenant NAME stands, or each of them.",
    "stream": "How a stream of a tenant stands, NAME being tenant/stream; or each of them.",
    "campaign": "How a campaign stands, NAME being tenant/campaign; or each of them.",
    "domain": "How the sender domain NAME stands, of the envelope sender; or each of them.",
}
for _kind in get_args(Kind):
    reputation.add_command(_command(_kind, _HELP[_kind]))


@reputation.command(
    help="What DNS blocklists have of our addresses and domains ([blocklists]): since when, why, and where to ask for"
    " removal."
)
@config_option
@click.option("--now", "check_now", is_flag=True, help="Have all of them asked first.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def blocklists(config_file: Path, check_now: bool, as_json: bool) -> int:
    found: ListingsNow = _ask(
        config_file, AskListings(check_now), CHECK_S if check_now else ANSWER_S
    )
    if as_json:
        click.echo(json.dumps(listings_json(found), ensure_ascii=False))
        return EX_OK
    _print(listings_lines(found, wall_clock()))
    return EX_OK


@reputation.command(
    help="Let the tenant go on that was paused, or its CAMPAIGN: what was held is released, and nothing of before"
    " counts against it."
)
@config_option
@click.argument("tenant")
@click.argument("campaign", default="")
@reason_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def resume(config_file: Path, tenant: str, campaign: str, reason: str, as_json: bool) -> int:
    asked = ResumeSender(tenant=tenant, campaign=campaign, reason=reason)
    affected = _ask(config_file, asked)
    note_act(
        config_file, "sender.resumed", campaign or tenant, tenant=tenant, reason=affected.reason
    )
    if as_json:
        row = affected_json("release", affected, dry_run=False)
        click.echo(json.dumps({"tenant": tenant, "campaign": campaign or None, **row}))
        return EX_OK
    what = f"Campaign {campaign} of {tenant}" if campaign else f"Tenant {tenant}"
    click.echo(f"{what} goes on.")
    print_affected("release", affected)
    return EX_OK


def _show(config_file: Path, kind: Kind | None, name: str, *, as_json: bool) -> int:
    found: StandingNow = _ask(config_file, AskStanding(kind=kind, name=name))
    if name and not found.subjects:
        raise CommandError(f"no mail of the {kind} {name} is known of this week", EX_NOINPUT)
    if as_json:
        document = {
            "subjects": [subject_json(each) for each in found.subjects],
            "paused": [paused_json(each) for each in found.paused],
            "left_off": found.left_off,
        }
        click.echo(json.dumps(document, ensure_ascii=False))
        return EX_OK
    if name:
        _print(subject_lines(found.subjects[0], wall_clock()))
        return EX_OK
    _print(table_lines(found.subjects))
    _print([paused_line(each, wall_clock()) for each in found.paused])
    if found.left_off:
        click.echo(f"... and {found.left_off} more")
    return EX_OK


def _ask(config_file: Path, question: Question[A, None], timeout_s: float = ANSWER_S) -> A:
    """Ask the platform process."""
    data_dir = Path(load_for_queue(config_file).server.data_dir)
    for slot in find_running(data_dir, "platform"):
        return answered(ask_process(data_dir, slot, question, timeout_s=timeout_s))
    raise CommandError(f"no server uses {data_dir}; is it the right --config?", EX_UNAVAILABLE)


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(line)

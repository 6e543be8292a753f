"""``postmaster warmup``: how far each source that is new has come at each provider, and steering it."""

import json
from pathlib import Path
from typing import Any

import click

from angarium.cli.asking import answered, find_running
from angarium.cli.audited import note_all
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_NOINPUT, EX_OK, CommandError
from angarium.cli.queue.acts import reason_option
from angarium.insight.admin.client import ask_process
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.queue_reads import BreakDownQueue
from angarium.insight.admin.warmups import ChangeWarmups, ShownWarmup, ShowWarmups
from angarium.insight.units import count_text, span_text
from angarium.queue import Filter
from angarium.queue.wall_clock import wall_clock
from angarium.reputation.warmups import WarmupAct, WarmupStatus
from angarium.telemetry.timestamp import rfc3339

PROVIDERS_COUNTED = 1000


@click.group(
    help="See and steer how sources that are new are warmed, at each provider by itself: [[warmup]]."
)
def warmup() -> None:
    pass


@warmup.command(
    help="Show each warm-up that has begun: its day of the plan (from 0), what is used of the hour, and what is queued."
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(config_file: Path, as_json: bool) -> int:
    data_dir = Path(load_for_queue(config_file).server.data_dir)
    slots = find_running(data_dir, "delivery")
    queued = _queued(data_dir)
    found: list[ShownWarmup] = []
    left_off = 0
    for slot in slots:
        answer = answered(ask_process(data_dir, slot, ShowWarmups(queued=queued)))
        found += answer.warmups
        left_off += answer.left_off
    found.sort(key=lambda each: (each.status.source, each.status.provider))
    if as_json:
        rows = [
            {**_row(each.status), "queued": each.queued, "eta": _time(each.eta)} for each in found
        ]
        click.echo(json.dumps({"warmups": rows, "left_off": left_off}, ensure_ascii=False))
        return EX_OK
    _print(found, left_off)
    return EX_OK


@warmup.command(help="Keep a source at its day of the plan, or let it go on again (--release).")
@config_option
@click.argument("source")
@click.argument("provider", required=False)
@click.option("--release", is_flag=True, help="It goes on again, day by day.")
@reason_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def hold(
    config_file: Path,
    source: str,
    provider: str | None,
    release: bool,
    reason: str,
    as_json: bool,
) -> int:
    act: WarmupAct = "release" if release else "hold"
    return _change(config_file, act, source, provider, reason, as_json=as_json)


@warmup.command(
    help="Have a source go on to the next day of the plan at once, or be warm (--finish). It ends a hold."
)
@config_option
@click.argument("source")
@click.argument("provider", required=False)
@click.option("--finish", is_flag=True, help="To the end: it is warm, and may send without limit.")
@reason_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def promote(
    config_file: Path,
    source: str,
    provider: str | None,
    finish: bool,
    reason: str,
    as_json: bool,
) -> int:
    act: WarmupAct = "finish" if finish else "promote"
    return _change(config_file, act, source, provider, reason, as_json=as_json)


@warmup.command(
    help="Begin a source's warm-up again at day 0: its address was listed, or is another."
)
@config_option
@click.argument("source")
@click.argument("provider", required=False)
@reason_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def restart(
    config_file: Path, source: str, provider: str | None, reason: str, as_json: bool
) -> int:
    return _change(config_file, "restart", source, provider, reason, as_json=as_json)


def _change(
    config_file: Path,
    act: WarmupAct,
    source: str,
    provider: str | None,
    reason: str,
    *,
    as_json: bool,
) -> int:
    data_dir = Path(load_for_queue(config_file).server.data_dir)
    asked = ChangeWarmups(act=act, source=source, provider=provider, reason=reason)
    changed: list[WarmupStatus] = []
    for slot in find_running(data_dir, "delivery"):
        changed += answered(ask_process(data_dir, slot, asked)).warmups
    if not changed:
        where = "" if provider is None else f" at {provider}"
        raise CommandError(
            f"no warm-up of {source}{where} has begun; postmaster warmup show lists them",
            EX_NOINPUT,
        )
    about = [f"{each.source} at {each.provider}, day {each.day}" for each in changed]
    note_all(config_file, f"warmup.{act}", about, "warm-ups", reason=reason)
    if as_json:
        rows = [_row(each) for each in changed]
        click.echo(json.dumps({"act": act, "warmups": rows}, ensure_ascii=False))
        return EX_OK
    for each in changed:
        click.echo(f"{each.source} at {each.provider}: {_state(each)}.")
    return EX_OK


def _queued(data_dir: Path) -> dict[str, int]:
    """Return how many recipients of each provider are queued; none where the platform process does not say."""
    asked = BreakDownQueue(wanted=Filter(), by="provider", limit=PROVIDERS_COUNTED)
    for slot in find_running(data_dir, "platform"):
        answer = ask_process(data_dir, slot, asked)
        if not isinstance(answer, Refused):
            return {each.value: each.count for each in answer.slices}
    return {}


def _print(found: list[ShownWarmup], left_off: int) -> None:
    now = wall_clock()
    for each in found:
        status = each.status
        click.echo(f"{status.source} at {status.provider}: {_state(status)}")
        if not status.is_warm:
            click.echo(f"    {_progress(each, now)}")
        if status.note:
            click.echo(f"    {status.note}")
    if left_off:
        click.echo(f"... and {left_off} more")
    if not found:
        click.echo("no warm-up has begun: a source of [[warmup]] begins with its first mail")


def _state(status: WarmupStatus) -> str:
    if status.is_warm:
        return "warm"
    held = ", held" if status.is_held else ""
    return (
        f"day {status.day} of {status.days}{held},"
        f" {status.hour_used} of {status.hour_limit} used this hour"
    )


def _progress(shown: ShownWarmup, now: int) -> str:
    status, counts = shown.status, shown.status.counts
    parts = [f"{counts.delivered} delivered, {counts.deferred} deferred, {counts.bounced} bounced"]
    if status.next_step is not None and not status.is_held:
        after = "warm" if status.next_limit is None else f"{status.next_limit} an hour"
        parts.append(f"{after} in {span_text(status.next_step - now)} if all goes well")
    if status.overflowed:
        parts.append(f"{status.overflowed} went by the smart host of its pool today")
    if shown.queued:
        eta = "after the warm-up" if shown.eta is None else f"in {span_text(shown.eta - now)}"
        queued = count_text(shown.queued, "recipient")
        parts.append(f"{queued} queued: done {eta} by this source alone")
    return "; ".join(parts)


def _row(status: WarmupStatus) -> dict[str, Any]:
    return {
        "source": status.source,
        "provider": status.provider,
        "day": status.day,
        "days": status.days,
        "warm": status.is_warm,
        "held": status.is_held,
        "hour_limit": status.hour_limit,
        "hour_used": status.hour_used,
        "today": status.today,
        "next_limit": status.next_limit,
        "next_step": _time(status.next_step),
        "delivered": status.counts.delivered,
        "deferred": status.counts.deferred,
        "bounced": status.counts.bounced,
        "complained": status.counts.complained,
        "note": status.note,
        "overflowed": status.overflowed,
    }


def _time(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)

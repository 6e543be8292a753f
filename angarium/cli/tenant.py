"""``postmaster tenant``: whose mail there is. A running server sees each change at once."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import click

from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_DATAERR, EX_USAGE, CommandError
from angarium.cli.platform_access import json_option, print_json, time_text, using_platform
from angarium.cli.queue.access import open_queue
from angarium.cli.queue.file import queue_path
from angarium.config.streams import streams_by_name
from angarium.queue import has_file
from angarium.queue.quota import QuotaUse
from angarium.tenancy.check_policy import CHECK_MODES, CheckMode, CheckPolicy
from angarium.tenancy.model import ALIGNMENTS, Alignment, Tenant, TrackingPolicy
from angarium.tenancy.plan import OverQuotaRule, Plan
from angarium.tenancy.plan_change import PlanChange
from angarium.tenancy.tracking_policy import TRACKING_POLICIES

F = TypeVar("F", bound=Callable[..., object])


class Limit(click.ParamType[int]):
    """A number from 1 on, or ``none``, which is 0."""

    name = "limit"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value).replace("_", "")
        if text == "none":
            return 0
        if not (text.isascii() and text.isdigit()) or int(text) < 1:
            self.fail(f"{value!r} is no limit: write a number from 1 on, or none", param, ctx)
        return int(text)


class Names(click.ParamType[tuple[str, ...]]):
    """Names divided by commas, or ``all``, which is an empty list."""

    name = "names"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        text = str(value)
        return () if text == "all" else tuple(each.strip() for each in text.split(","))


@click.group()
def tenant() -> None:
    """Tenants: whose mail it is, with keys and domains of their own."""


@tenant.command()
@click.argument("name")
@json_option
@config_option
def create(name: str, as_json: bool, config_file: Path) -> None:
    """Create tenant NAME: what its mail is called in the queue, in logs and in figures."""
    with using_platform(config_file) as (platform, _):
        made = platform.tenants.create(name)
    if as_json:
        print_json({"id": made.id, "name": made.name})
        return
    click.echo(f"Created tenant {made.name}. Next: postmaster domain add DOMAIN --tenant {name}")


@tenant.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(as_json: bool, config_file: Path) -> None:
    """List the tenants."""
    with using_platform(config_file) as (platform, _):
        tenants = platform.tenants.list()
    if as_json:
        for each in tenants:
            print_json(_row(each))
        return
    width = max(len(each.name) for each in tenants)
    for each in tenants:
        state = "" if each.active else "  disabled"
        click.echo(f"{each.name:{width}}  {time_text(each.created)}{state}")


@tenant.command()
@click.argument("name")
@json_option
@config_option
def show(name: str, as_json: bool, config_file: Path) -> None:
    """Show tenant NAME with its domains, and how many keys it has."""
    with using_platform(config_file) as (platform, _):
        found = platform.tenants.find(name)
        domains = platform.domains.list(name)
        keys = platform.keys.list(name)
    valid = sum(each.revoked is None for each in keys)
    uses = _quota_use(config_file, name) if found.plan.quotas else ()
    if as_json:
        rows = [{"domain": each.name, "status": each.status} for each in domains]
        used = {each.period: {"used": each.used, "until": time_text(each.until)} for each in uses}
        print_json({**_row(found), "domains": rows, "keys": valid, "quota_use": used})
        return
    state = "active" if found.active else "disabled: its keys are refused"
    click.echo(f"{found.name}  {state}  since {time_text(found.created)}  id {found.id}")
    for each in domains:
        click.echo(f"  domain {each.name}: {each.status}")
    click.echo(f"  keys: {valid}")
    click.echo(f"  alignment: {found.alignment}")
    click.echo(f"  check: {_check_words(found.check)}")
    click.echo(f"  tracking: {found.tracking}")
    for line in found.postal_address.splitlines():
        click.echo(f"  postal address: {line}")
    for line in _plan_lines(found.plan, uses):
        click.echo(f"  {line}")


def _limit(flag: str, what: str) -> Callable[[F], F]:
    return click.option(
        flag, type=Limit(), metavar="N|none", help=f"{what}; none: as many as it likes."
    )


@tenant.command("set")
@click.argument("name")
@click.option(
    "--rate",
    type=Limit(),
    metavar="N|none",
    help="Requests and messages per second of all its keys together.",
)
@click.option(
    "--alignment",
    type=click.Choice(ALIGNMENTS),
    help="As whom it sends: exactly its verified domains (strict); those below them, too (relaxed); anybody whom no"
    " other tenant is (off).",
)
@click.option(
    "--check",
    type=click.Choice(CHECK_MODES),
    help="What of its mail is looked at while it is sent by HTTP: nothing (off); all, and told with the answer (hints);"
    " what is refused (block).",
)
@click.option(
    "--check-codes",
    type=Names(),
    metavar="A,B|all",
    help="Codes of findings that are refused (docs/findings.md); all: those of blockers.",
)
@click.option(
    "--tracking",
    type=click.Choice(TRACKING_POLICIES),
    help="How far its mail is tracked at most: not at all (none); as figures, without saying of whom (aggregate); as"
    " the configuration and its programs have it (full).",
)
@click.option(
    "--postal-address",
    multiple=True,
    metavar="LINE",
    help="The postal address that its advertising mail names, as laws have it. Once for each line; '': none.",
)
@_limit("--quota-second", "Recipients in a second of UTC")
@_limit("--quota-hour", "Recipients in an hour")
@_limit("--quota-day", "Recipients in a day")
@_limit("--quota-month", "Recipients in a month")
@click.option(
    "--over-quota",
    type=click.Choice(["refuse", "wait"]),
    help="What becomes of mail over a quota: refused until the next period begins, or accepted, and sent then.",
)
@click.option("--streams", type=Names(), metavar="A,B|all", help="The streams that it may send by.")
@click.option(
    "--pools", type=Names(), metavar="A,B|all", help="The pools that streams of its mail may have."
)
@json_option
@config_option
def set_(
    name: str,
    rate: int | None,
    alignment: Alignment | None,
    check: CheckMode | None,
    check_codes: tuple[str, ...] | None,
    tracking: TrackingPolicy | None,
    postal_address: tuple[str, ...],
    quota_second: int | None,
    quota_hour: int | None,
    quota_day: int | None,
    quota_month: int | None,
    over_quota: OverQuotaRule | None,
    streams: tuple[str, ...] | None,
    pools: tuple[str, ...] | None,
    as_json: bool,
    config_file: Path,
) -> None:
    """Change what tenant NAME may do: how fast, how much, as whom, by which streams and pools, and what is refused."""
    change = PlanChange(
        rate=rate,
        per_second=quota_second,
        per_hour=quota_hour,
        per_day=quota_day,
        per_month=quota_month,
        over_quota=over_quota,
        streams=streams,
        pools=pools,
    )
    is_checked = check is not None or check_codes is not None
    is_tracked = tracking is not None or bool(postal_address)
    if change == PlanChange() and alignment is None and not is_checked and not is_tracked:
        raise click.UsageError("say what is to be changed: --quota-day 10000, for instance")
    with using_platform(config_file) as (platform, config):
        known = {each.name for each in config.pool}
        _refuse_unknown("stream", streams, streams_by_name(config.stream))
        _refuse_unknown("pool", pools, known)
        if alignment is not None:
            platform.tenants.set_alignment(name, alignment)
        if is_checked:
            platform.tenants.set_check(name, mode=check, codes=check_codes)
        if is_tracked:
            address = "\n".join(postal_address) if postal_address else None
            platform.tenants.set_tracking(name, policy=tracking, postal_address=address)
        if change != PlanChange():
            platform.tenants.change_plan(name, change)
        changed = platform.tenants.find(name)
    if as_json:
        print_json(_row(changed))
        return
    limits = "; ".join(_plan_lines(changed.plan, ())) or "no limits"
    checks = _check_words(changed.check)
    click.echo(
        f"{changed.name}: {limits}; alignment {changed.alignment}; check {checks};"
        f" tracking {changed.tracking}"
    )


@tenant.command()
@click.argument("name")
@config_option
def disable(name: str, config_file: Path) -> None:
    """Refuse the keys of tenant NAME, until it is enabled. What was accepted is still delivered."""
    with using_platform(config_file) as (platform, _):
        platform.tenants.set_active(name, False)
    click.echo(f"Disabled {name}: its keys are refused.")


@tenant.command()
@click.argument("name")
@config_option
def enable(name: str, config_file: Path) -> None:
    """Accept the keys of tenant NAME again."""
    with using_platform(config_file) as (platform, _):
        platform.tenants.set_active(name, True)
    click.echo(f"Enabled {name}.")


@tenant.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it: nothing brings its keys back.")
@json_option
@config_option
def remove(name: str, yes: bool, as_json: bool, config_file: Path) -> None:
    """Remove tenant NAME with its keys and domains, for good.

    Mail of it that is queued is still delivered, unsigned, or not, if you cancel it first: postmaster queue cancel
    --tenant NAME. Its suppressions, events and audit entries stay, and so its name is not given again.
    """
    if not yes:
        text = f"this removes all keys and domains of {name} for good: write --yes, or see `postmaster tenant disable`"
        raise CommandError(text, EX_USAGE)
    with using_platform(config_file) as (platform, _):
        removed = platform.tenants.remove(name)
    if as_json:
        counts = {"keys": removed.keys, "domains": removed.domains}
        print_json({"id": removed.tenant.id, "name": name, "status": "removed", **counts})
        return
    click.echo(f"Removed {name}, with {removed.keys} keys and {removed.domains} domains.")


def _row(each: Tenant) -> dict[str, object]:
    return {
        "id": each.id,
        "name": each.name,
        "active": each.active,
        "alignment": each.alignment,
        "check": {"mode": each.check.mode, "codes": each.check.codes},
        "tracking": {"policy": each.tracking, "postal_address": each.postal_address},
        "created": time_text(each.created),
        "plan": {
            "rate": each.plan.rate,
            "quotas": {quota.period: quota.limit for quota in each.plan.quotas},
            "over_quota": each.plan.over_quota,
            "streams": each.plan.streams,
            "pools": each.plan.pools,
        },
    }


def _check_words(policy: CheckPolicy) -> str:
    return f"{policy.mode} ({', '.join(policy.codes)})" if policy.codes else policy.mode


def _quota_use(config_file: Path, tenant: str) -> Sequence[QuotaUse]:
    """Return what the queue has counted; nothing where there is no queue yet."""
    if not has_file(queue_path(load_for_queue(config_file))):
        return ()
    with open_queue(config_file) as reached:
        return reached.quota_use(tenant)


def _plan_lines(plan: Plan, uses: Sequence[QuotaUse]) -> Iterator[str]:
    used = {each.period: each for each in uses}
    if plan.rate is not None:
        yield f"rate: {plan.rate} per second"
    for quota in plan.quotas:
        use = used.get(quota.period)
        of = "" if use is None else f"{use.used} of "
        until = "" if use is None else f", until {time_text(use.until)}"
        yield f"quota: {of}{quota.limit} recipients per {quota.period}{until}"
    if plan.quotas:
        what = "waits for the next period" if plan.over_quota == "wait" else "is refused"
        yield f"what is over: {what}"
    if plan.streams:
        yield f"streams: {', '.join(plan.streams)}"
    if plan.pools:
        yield f"pools: {', '.join(plan.pools)}"


def _refuse_unknown(what: str, names: tuple[str, ...] | None, known: Collection[str]) -> None:
    for each in names or ():
        if each not in known:
            there = ", ".join(sorted(known)) or "none"
            raise CommandError(
                f"there is no {what} {each!r} in the configuration: {there}", EX_DATAERR
            )

"""``postmaster audit``: who changed what of the platform, and when."""

import time
from pathlib import Path

import click

from angarium.cli.config_option import config_option
from angarium.cli.moment import Moment
from angarium.cli.platform_access import print_json, time_text, using_platform
from angarium.tenancy.model import AuditEntry

_PAGE = 500


@click.group()
def audit() -> None:
    """The audit: an entry for each change of tenants, keys, domains and accounts, made with it."""


@audit.command("list")
@click.option("--tenant", help="Only entries about this tenant.")
@click.option(
    "--since",
    type=Moment(lambda: time.time_ns() // 1_000_000),
    help="Only later ones: 2h (ago), 2026-07-01.",
)
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="At most."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(
    tenant: str | None, since: int | None, limit: int, as_json: bool, config_file: Path
) -> None:
    """List the entries, the newest first."""
    with using_platform(config_file) as (platform, _):
        before: int | None = None
        left = limit
        while left:
            page = platform.pages.audit(tenant, before, min(left, _PAGE))
            for each in page:
                if since is not None and each.entry.at < since:
                    return
                _print(each.entry, as_json)
            if len(page) < min(left, _PAGE):
                return
            before, left = page[-1].number, left - len(page)


def _print(entry: AuditEntry, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "at": time_text(entry.at),
                "actor": entry.actor,
                "action": entry.action,
                "tenant": entry.tenant,
                "subject": entry.subject,
                "details": entry.details,
            }
        )
        return
    details = "  ".join(f"{name}={value}" for name, value in entry.details.items())
    of = f"  tenant {entry.tenant}" if entry.tenant else ""
    text = (
        f"{time_text(entry.at)}  {entry.action}  {entry.subject}{of}  by {entry.actor}  {details}"
    )
    click.echo(text.rstrip())

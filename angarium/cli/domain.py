"""``postmaster domain``: as which domains tenants send. A running server sees each change at once."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import click

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_OK, EX_TEMPFAIL, CommandError
from angarium.cli.platform_access import json_option, print_json, time_text, using_platform
from angarium.config.schema import Config
from angarium.dkim import SigningKey
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.domain_records import (
    DomainReport,
    check_records,
    expected_records,
    public_addresses,
)
from angarium.queue.model import DEFAULT_TENANT
from angarium.routing.dns import DnsResolver, DnsSetupError
from angarium.tenancy.domain_check import CheckedRecord
from angarium.tenancy.model import BY_DNS, BY_OPERATOR, Domain
from angarium.tenancy.platform import Platform
from angarium.tenancy.signing import open_domain_key

_tenant_option = click.option("--tenant", help="Whose it is, where several tenants have it.")
_assume_option = click.option(
    "--assume-verified",
    is_flag=True,
    help="Your word that it is the tenant's, instead of the token in DNS; the audit has it.",
)


@click.group()
def domain() -> None:
    """Sending domains: a tenant may send as those that it has proved to be its own."""


@domain.command()
@click.argument("name", metavar="DOMAIN")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose it is.")
@_assume_option
@json_option
@config_option
def add(name: str, tenant: str, assume_verified: bool, as_json: bool, config_file: Path) -> None:
    """Take in DOMAIN, make a DKIM key for it, and print the records to publish. Asks no nameserver."""
    with using_platform(config_file) as (platform, config):
        added = platform.domains.add(name, tenant, assume_verified=assume_verified)
        records = _expected(platform, config, added)
    if as_json:
        print_json(_answer(added, records))
        return
    click.echo(f"Added {added.name} for tenant {added.tenant}: {added.status}. Publish:\n")
    _print_zone(records)
    if added.verified is None:
        click.echo(f"\nThen: postmaster domain verify {added.name}")


@domain.command("list")
@click.option("--tenant", help="Only those of this tenant.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(tenant: str | None, as_json: bool, config_file: Path) -> None:
    """List the domains."""
    with using_platform(config_file) as (platform, _):
        domains = platform.domains.list(tenant)
    if as_json:
        for each in domains:
            print_json(_row(each))
        return
    if not domains:
        click.echo("No domains.")
        return
    width = max(len(each.name) for each in domains)
    for each in domains:
        how = "  by the operator's word" if each.assumed else ""
        click.echo(f"{each.name:{width}}  {each.tenant}  {each.status}{how}")


@domain.command()
@click.argument("name", metavar="DOMAIN")
@_tenant_option
@json_option
@config_option
def show(name: str, tenant: str | None, as_json: bool, config_file: Path) -> None:
    """Show DOMAIN with the records to publish. Asks no nameserver."""
    with using_platform(config_file) as (platform, config):
        found = platform.domains.find(name, tenant)
        records = _expected(platform, config, found)
    if as_json:
        print_json(_answer(found, records))
        return
    click.echo(f"{found.name}: {found.status}, tenant {found.tenant}\n")
    _print_zone(records)


@domain.command()
@click.argument("name", metavar="DOMAIN")
@_tenant_option
@_assume_option
@json_option
@config_option
def verify(
    name: str, tenant: str | None, assume_verified: bool, as_json: bool, config_file: Path
) -> int:
    """Look for the records of DOMAIN: what is expected, what is found, what to do.

    It is the tenant's from the moment when its token is found, and stays so. Exits with 75 while it is not.
    """
    with using_platform(config_file) as (platform, config):
        found = platform.domains.find(name, tenant)
        report = _looked_up(platform, config, found)
        if report.is_proven:
            found = platform.domains.set_verified(found.name, found.tenant, by=BY_DNS)
        elif assume_verified:
            found = platform.domains.set_verified(found.name, found.tenant, by=BY_OPERATOR)
    if as_json:
        checks = [
            {"name": each.name, "verdict": each.verdict, "text": each.text}
            for each in report.findings
        ]
        print_json({**_answer(found, report.records), "checks": checks})
    else:
        _print_report(found, report)
    return EX_TEMPFAIL if found.verified is None else EX_OK


@domain.command()
@click.argument("name", metavar="DOMAIN")
@_tenant_option
@json_option
@config_option
def remove(name: str, tenant: str | None, as_json: bool, config_file: Path) -> None:
    """Forget DOMAIN and its keys: its tenant may no longer send as it. What was accepted is still delivered."""
    with using_platform(config_file) as (platform, _):
        removed = platform.domains.remove(name, tenant)
    if as_json:
        print_json({"domain": removed.name, "status": "removed"})
        return
    click.echo(f"Removed {removed.name} of tenant {removed.tenant}.")


def _signing_keys(platform: Platform, found: Domain) -> list[SigningKey]:
    return [open_domain_key(platform.secrets, found.name, each) for each in found.keys]


def _expected(platform: Platform, config: Config, found: Domain) -> Sequence[CheckedRecord]:
    keys = _signing_keys(platform, found)
    return expected_records(config, found, keys, public_addresses(config))


def _looked_up(platform: Platform, config: Config, found: Domain) -> DomainReport:
    keys = _signing_keys(platform, found)

    async def look() -> DomainReport:
        resolver = DnsResolver(config.dns, time.monotonic)
        try:
            return await check_records(config, found, keys, PatientDns(resolver))
        finally:
            await resolver.close()

    try:
        return asyncio.run(look())
    except DnsSetupError as error:
        raise CommandError(str(error), EX_TEMPFAIL) from None


def _row(found: Domain) -> dict[str, object]:
    return {
        "domain": found.name,
        "tenant": found.tenant,
        "status": found.status,
        "assumed": found.assumed,
        "created": time_text(found.created),
        "verified": time_text(found.verified),
    }


def _answer(found: Domain, records: Sequence[CheckedRecord]) -> dict[str, object]:
    return {**_row(found), "records": records}


def _print_zone(records: Sequence[CheckedRecord]) -> None:
    for each in records:
        if each.zone_line:
            click.echo(each.zone_line)


def _print_report(found: Domain, report: DomainReport) -> None:
    click.echo(f"{found.name}: {found.status}, tenant {found.tenant}")
    for each in report.records:
        click.echo(f"{each.verdict or 'not looked at':4}  {each.purpose}: {each.found}")
        if each.verdict != "ok" and each.remedy:
            click.echo(f"      {each.remedy}")
        if each.verdict in ("warn", "fail") and each.zone_line:
            click.echo(f"      {each.zone_line}")

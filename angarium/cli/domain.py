"""``postmaster domain``: as which domains tenants send. A running server sees each change at once."""

from collections.abc import Sequence
from pathlib import Path

import click

from angarium.cli.config_option import config_option
from angarium.cli.dns_asking import ask_dns
from angarium.cli.domain_shown import (
    answer,
    print_list,
    print_report,
    print_zone,
    row,
)
from angarium.cli.exit import EX_OK, EX_TEMPFAIL
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
from angarium.queue.wall_clock import wall_clock
from angarium.tenancy.domain_check import CheckedRecord, DomainCheck, with_found
from angarium.tenancy.domain_keys import USUAL_TYPES
from angarium.tenancy.domain_progress import take_check
from angarium.tenancy.model import BY_OPERATOR, DkimType, Domain
from angarium.tenancy.platform import Platform
from angarium.tenancy.signing import open_domain_key

_tenant_option = click.option("--tenant", help="Whose it is, where several tenants have it.")
_assume_option = click.option(
    "--assume-verified",
    is_flag=True,
    help="Your word that it is the tenant's, instead of the token in DNS; the audit has it.",
)
_types_option = click.option(
    "--key-type",
    "types",
    multiple=True,
    type=click.Choice(["rsa", "ed25519"]),
    help="Of its DKIM key; twice for a pair. Omitted: what signs now, or rsa.",
)


@click.group()
def domain() -> None:
    """Sending domains: a tenant may send as those that it has proved to be its own."""


@domain.command()
@click.argument("name", metavar="DOMAIN")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose it is.")
@_assume_option
@_types_option
@json_option
@config_option
def add(
    name: str,
    tenant: str,
    assume_verified: bool,
    types: tuple[DkimType, ...],
    as_json: bool,
    config_file: Path,
) -> None:
    """Take in DOMAIN, make a DKIM key for it, and print the records to publish. Asks no nameserver."""
    with using_platform(config_file) as (platform, config):
        added = platform.domains.add(
            name, tenant, assume_verified=assume_verified, types=types or USUAL_TYPES
        )
        records = _expected(platform, config, added)
    if as_json:
        print_json(answer(added, records, None))
        return
    click.echo(f"Added {added.name} for tenant {added.tenant}: {added.status}. Publish:\n")
    print_zone(records)
    if added.verified is None:
        click.echo(f"\nThen: postmaster domain verify {added.name}")


@domain.command("list")
@click.option("--tenant", help="Only those of this tenant.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(tenant: str | None, as_json: bool, config_file: Path) -> None:
    """List the domains, with what failed of them when they were looked at last."""
    with using_platform(config_file) as (platform, _):
        domains = platform.domains.list(tenant)
        checks: dict[str, DomainCheck] = {}
        platform.domain_checks.each(lambda check: checks.update({check.domain_id: check}))
    if as_json:
        for each in domains:
            print_json(row(each, checks.get(each.id)))
        return
    if not domains:
        click.echo("No domains.")
        return
    print_list([(each, checks.get(each.id)) for each in domains])


@domain.command()
@click.argument("name", metavar="DOMAIN")
@_tenant_option
@json_option
@config_option
def show(name: str, tenant: str | None, as_json: bool, config_file: Path) -> None:
    """Show DOMAIN with the records to publish, and what was found of them. Asks no nameserver.

    The server looks at once when a domain or key is new, then daily.
    """
    with using_platform(config_file) as (platform, config):
        found = platform.domains.find(name, tenant)
        check = platform.domain_checks.find(found.id)
        records = with_found(_expected(platform, config, found), check)
    if as_json:
        print_json(answer(found, records, check))
        return
    looked = "not looked at yet" if check is None else f"looked at {time_text(check.checked)}"
    click.echo(f"{found.name}: {found.status}, tenant {found.tenant}, {looked}")
    print_report(found, records)


@domain.command()
@click.argument("name", metavar="DOMAIN")
@_tenant_option
@_assume_option
@json_option
@config_option
def verify(
    name: str, tenant: str | None, assume_verified: bool, as_json: bool, config_file: Path
) -> int:
    """Look for the records of DOMAIN now: what is expected, what is found, what to do.

    It is the tenant's from the moment when its token is found, and stays so. Exits with 75 while it is not.
    """
    with using_platform(config_file) as (platform, config):
        found = platform.domains.find(name, tenant)
        began = wall_clock()
        report = _looked_up(platform, config, found)
        check = DomainCheck(domain_id=found.id, checked=began, records=report.records)
        found = take_check(platform, found, check)
        if assume_verified:
            found = platform.domains.set_verified(found.name, found.tenant, by=BY_OPERATOR)
    if as_json:
        checks = [
            {"name": each.name, "verdict": each.verdict, "text": each.text}
            for each in report.findings
        ]
        print_json({**answer(found, report.records, check), "checks": checks})
    else:
        click.echo(f"{found.name}: {found.status}, tenant {found.tenant}")
        print_report(found, report.records)
    return EX_TEMPFAIL if found.verified is None else EX_OK


@domain.command()
@click.argument("name", metavar="DOMAIN")
@_tenant_option
@_types_option
@click.option(
    "--force", is_flag=True, help="The new key signs at once, though nobody has seen its record."
)
@json_option
@config_option
def rotate(
    name: str,
    tenant: str | None,
    types: tuple[DkimType, ...],
    force: bool,
    as_json: bool,
    config_file: Path,
) -> None:
    """Make a new DKIM key for DOMAIN, and print its record to publish.

    The key of now signs until the server has found the record of the new one; its own record may go a week later.
    """
    with using_platform(config_file) as (platform, config):
        found = platform.domain_keys.rotate(name, tenant, types=types, force=force)
        records = _expected(platform, config, found)
    if as_json:
        print_json(answer(found, records, None))
        return
    click.echo(f"{found.name} has a new key. Publish:\n")
    print_zone([each for each in records if each.purpose == "dkim"])
    now = "It signs from now on." if force else "It signs when the server has found that."
    click.echo(f"\n{now} See: postmaster domain show {found.name}")


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
    return [open_domain_key(platform.secrets, found.name, each) for each in found.published_keys]


def _expected(platform: Platform, config: Config, found: Domain) -> Sequence[CheckedRecord]:
    keys = _signing_keys(platform, found)
    return expected_records(config, found, keys, public_addresses(config))


def _looked_up(platform: Platform, config: Config, found: Domain) -> DomainReport:
    keys = _signing_keys(platform, found)
    return ask_dns(
        config, lambda resolver: check_records(config, found, keys, PatientDns(resolver))
    )

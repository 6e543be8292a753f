"""``postmaster tracking-host``: names of tenants' own that links in their mail lead to."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from angarium.access.tracking_keys import TrackingKeyError, read_tracking_keys
from angarium.cli.config_option import config_option
from angarium.cli.dns_asking import ask_dns
from angarium.cli.exit import EX_CONFIG, EX_OK, EX_TEMPFAIL, CommandError
from angarium.cli.platform_access import json_option, print_json, time_text, using_platform
from angarium.config.schema import Config
from angarium.config.tracking_host import default_host
from angarium.insight.host_certificate import HostCertificate, find_certificate
from angarium.insight.tracking_hosts import HostLook, Subject
from angarium.issuance.store import IssuanceError, IssuanceStore
from angarium.queue.model import DEFAULT_TENANT
from angarium.queue.wall_clock import wall_clock
from angarium.tenancy.platform import Platform
from angarium.tenancy.tracking_host_check import HostCheck, HostFinding
from angarium.tenancy.tracking_policy import TrackingHost
from angarium.tracking.host_proof import HostProof

_MARKS: Final = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
_STATES: Final = {
    "pending": "it has not led here yet",
    "reached": "it leads here, and has no certificate that is believed",
    "verified": "links in mail may lead to it",
    "failed": "it no longer leads here: links lead to another host until it does",
}
_tenant_option = click.option("--tenant", help="Whose it must be.")


@click.group("tracking-host")
def tracking_host() -> None:
    """Hosts of tenants' own for links in mail; one is used from when it leads here and has a certificate."""


@tracking_host.command()
@click.argument("host", metavar="HOST")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose it is.")
@json_option
@config_option
def add(host: str, tenant: str, as_json: bool, config_file: Path) -> None:
    """Take in HOST, a name below a domain that the tenant has verified, and print the record to publish."""
    with using_platform(config_file) as (platform, config):
        added = platform.tracking_hosts.add(host, tenant)
        target = default_host(config).host or config.server.hostname
    if as_json:
        print_json({**_row(added, None), "record": f"{added.host}. IN CNAME {target}."})
        return
    click.echo(f"Added {added.host} for tenant {added.tenant}. Publish:\n")
    click.echo(f"{added.host}. IN CNAME {target}.")
    click.echo(
        f"\nThe server looks by itself. At once: postmaster tracking-host check {added.host}"
    )


@tracking_host.command("list")
@click.option("--tenant", help="Only those of this tenant.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(tenant: str | None, as_json: bool, config_file: Path) -> None:
    """List the hosts, with their states."""
    with using_platform(config_file) as (platform, _):
        hosts = platform.tracking_hosts.list(tenant)
        checks = platform.tracking_hosts.checks()
    if as_json:
        for each in hosts:
            print_json(_row(each, checks.get(each.host)))
        return
    if not hosts:
        click.echo("No tracking hosts.")
    width = max([len(each.host) for each in hosts], default=0)
    for each in hosts:
        check = checks.get(each.host)
        looked = "not looked at yet" if check is None else f"looked at {time_text(check.checked)}"
        click.echo(f"{each.host:{width}}  {each.tenant}  {each.state}  {looked}")


@tracking_host.command()
@click.argument("host", metavar="HOST")
@_tenant_option
@json_option
@config_option
def show(host: str, tenant: str | None, as_json: bool, config_file: Path) -> None:
    """Show HOST: what was found of it, its certificate, and why there is none. Asks nobody."""
    with using_platform(config_file) as (platform, config):
        found = platform.tracking_hosts.find(host, tenant)
        check = platform.tracking_hosts.find_check(found.host)
        certificate = find_certificate(config, found.host)
    _print(found, check, certificate, as_json=as_json)


@tracking_host.command()
@click.argument("host", metavar="HOST")
@_tenant_option
@json_option
@config_option
def check(host: str, tenant: str | None, as_json: bool, config_file: Path) -> int:
    """Look at HOST now: what is expected, what is found, what to do. Exits with 75 unless links may lead to it.

    Where only the certificate is missing, the server orders it anew as soon as the authority may be asked again.
    """
    with using_platform(config_file) as (platform, config):
        found = platform.tracking_hosts.find(host, tenant)
        began = wall_clock()
        findings = _looked_at(platform, config, found)
        looked = HostCheck(host=found.host, checked=began, findings=findings)
        found = platform.tracking_hosts.record(looked) or found
        if found.state == "reached":
            IssuanceStore(Path(config.server.data_dir)).ask_again(found.host)
        certificate = find_certificate(config, found.host)
    _print(found, looked, certificate, as_json=as_json)
    return EX_OK if found.state == "verified" else EX_TEMPFAIL


@tracking_host.command()
@click.argument("host", metavar="HOST")
@_tenant_option
@json_option
@config_option
def remove(host: str, tenant: str | None, as_json: bool, config_file: Path) -> None:
    """Forget HOST. Links in mail that was sent lead to it all the same, and nowhere from then on."""
    with using_platform(config_file) as (platform, _):
        removed = platform.tracking_hosts.remove(host, tenant)
    if as_json:
        print_json({"host": removed.host, "status": "removed"})
        return
    click.echo(f"Removed {removed.host} of tenant {removed.tenant}.")


def _looked_at(platform: Platform, config: Config, host: TrackingHost) -> tuple[HostFinding, ...]:
    try:
        proof = HostProof(read_tracking_keys(Path(config.tracking.key_file)))
        status = IssuanceStore(Path(config.server.data_dir)).status(host.host)
    except (TrackingKeyError, IssuanceError) as error:
        raise CommandError(str(error), EX_CONFIG) from None
    subject = Subject(
        host=host.host,
        owner_problem=platform.tracking_hosts.find_owner_problem(host),
        status=status,
        has_files=any(each.host == host.host for each in config.tracking_certificate),
    )

    try:
        return ask_dns(config, lambda dns: HostLook(config, proof, dns, os.urandom).look(subject))
    except OSError as error:
        raise CommandError(f"tracking.ca_file: {error}", EX_CONFIG) from None


def _print(
    host: TrackingHost, check: HostCheck | None, certificate: HostCertificate, *, as_json: bool
) -> None:
    if as_json:
        print_json({**_row(host, check), "certificate": _certificate_row(certificate)})
        return
    looked = "not looked at yet" if check is None else f"looked at {time_text(check.checked)}"
    click.echo(f"{host.host}: {host.state}, tenant {host.tenant}, {looked}")
    click.echo(f"  {_STATES[host.state]}")
    for each in check.findings if check is not None else ():
        click.echo(f"  {_MARKS[each.verdict]}  {each.purpose}: {each.found}")
        if each.verdict != "ok":
            click.echo(f"        expected  {each.expected}")
            click.echo(f"        to do     {each.remedy}")
    for line in _certificate_lines(certificate):
        click.echo(f"  {line}")


def _certificate_lines(certificate: HostCertificate) -> Sequence[str]:
    if certificate.ends is None:
        lines = ["certificate: none of its own"]
    else:
        lines = [f"certificate: {certificate.source}, ends {time_text(certificate.ends)}"]
    if certificate.problem:
        at = "" if certificate.tried is None else f" (at {time_text(certificate.tried)})"
        lines.append(f"problem: {certificate.problem}{at}")
        if certificate.again is not None:
            lines.append(f"ordered again: {time_text(certificate.again)}")
    return lines


def _row(host: TrackingHost, check: HostCheck | None) -> dict[str, object]:
    return {
        "host": host.host,
        "tenant": host.tenant,
        "state": host.state,
        "created": time_text(host.created),
        "checked": None if check is None else time_text(check.checked),
        "findings": [] if check is None else [msgspec.to_builtins(each) for each in check.findings],
    }


def _certificate_row(certificate: HostCertificate) -> dict[str, object]:
    return {
        "source": certificate.source,
        "ends": time_text(certificate.ends),
        "problem": certificate.problem,
        "tried": time_text(certificate.tried),
        "again": time_text(certificate.again),
    }

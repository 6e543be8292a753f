"""``postmaster check``: will the server run here, and will its mail be welcome? Each line says what to do."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import click

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_CONFIG, EX_OK, EX_UNAVAILABLE
from angarium.config.schema import Config
from angarium.insight.checks.finding import Finding, Verdict

_MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@click.command(
    help="Check configuration, DNS, ports, clock, disk, permissions, keys, certificates.\n\n"
    "Also what receivers will look for: the published DKIM keys, SPF, DMARC and PTR, and whether their port 25 is"
    " reached. A configuration with mistakes is checked as far as it is right."
)
@config_option
@click.option("--no-network", is_flag=True, help="Leave out what asks DNS or connects.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def check(config_file: Path, no_network: bool, as_json: bool) -> int:
    from angarium.config.lenient import load_leniently

    found = load_leniently(config_file)
    findings = [Finding("configuration", "fail", line) for line in found.faults]
    if found.config is None:
        _print(findings, as_json=as_json)
        return EX_CONFIG
    if found.faults:
        text = "the checks below are of the rest: what is at fault is left out of them"
        findings.append(Finding("configuration", "warn", text))
    else:
        findings.append(Finding("configuration", "ok", f"{config_file} is valid"))
    findings += _checked(found.config, network=not no_network)
    _print(findings, as_json=as_json)
    if found.faults:
        return EX_CONFIG
    return EX_UNAVAILABLE if _count(findings, "fail") else EX_OK


def _checked(config: Config, *, network: bool) -> Iterator[Finding]:
    from angarium.insight.checks.dns import check_dns
    from angarium.insight.checks.host import check_host
    from angarium.insight.checks.providers import check_providers
    from angarium.insight.checks.reach import check_reach
    from angarium.insight.checks.secrets import check_secrets
    from angarium.insight.checks.senders import check_senders
    from angarium.insight.checks.untracked import check_untracked

    yield from check_host(config)
    yield from check_secrets(config)
    yield from check_senders(config)
    yield from check_untracked(config)
    yield from check_reach(config)
    yield from check_providers(config)
    if network:
        yield from asyncio.run(check_dns(config))


def _print(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        found = [
            {"check": each.name, "verdict": each.verdict, "text": each.text} for each in findings
        ]
        click.echo(json.dumps({"ok": not _count(findings, "fail"), "findings": found}))
        return
    for each in findings:
        click.echo(f"{_MARKS[each.verdict]}  {each.name:<14} {each.text}")
    fails, warns = _count(findings, "fail"), _count(findings, "warn")
    number = f"{len(findings)} check{'s' * (len(findings) > 1)}"
    click.echo(f"{number}: {fails} failed, {warns} to look at.")


def _count(findings: list[Finding], verdict: Verdict) -> int:
    return sum(each.verdict == verdict for each in findings)

"""``postmaster check``: will the server run here, and will its mail be welcome? Each line says what to do."""

import asyncio
import json
from pathlib import Path

import click

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_CONFIG, EX_OK, EX_UNAVAILABLE
from angarium.insight.finding import Finding, Verdict

_MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@click.command(
    help="Check configuration, DNS, ports, clock, disk, permissions, keys, certificates."
)
@config_option
@click.option("--no-network", is_flag=True, help="Leave out what asks DNS.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def check(config_file: Path, no_network: bool, as_json: bool) -> int:
    from angarium.config.error import ConfigError
    from angarium.config.loader import load
    from angarium.insight.check_dns import check_dns
    from angarium.insight.check_host import check_host
    from angarium.insight.check_providers import check_providers
    from angarium.insight.check_reach import check_reach
    from angarium.insight.check_secrets import check_secrets

    findings: list[Finding] = []
    code = EX_OK
    try:
        config = load(config_file)
    except ConfigError as error:
        findings += [Finding("configuration", "fail", line) for line in error.lines]
        code = EX_CONFIG
    else:
        findings.append(Finding("configuration", "ok", f"{config_file} is valid"))
        findings += check_host(config)
        findings += check_secrets(config)
        findings += check_reach(config)
        findings += check_providers(config)
        if not no_network:
            findings += asyncio.run(check_dns(config))
        if any(each.verdict == "fail" for each in findings):
            code = EX_UNAVAILABLE
    _print(findings, as_json=as_json)
    return code


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

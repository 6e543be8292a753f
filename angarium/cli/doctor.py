"""``postmaster doctor``: what receivers hold against our mail: expected, found, what to do."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_OK, EX_UNAVAILABLE
from angarium.config.schema import Config
from angarium.insight.checks.finding import Finding

_MARKS: Final = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@click.command(
    help="Examine what receivers look at: forward and reverse DNS, EHLO, SPF, DKIM, DMARC, alignment, the return path,"
    " blocklists, tracking hosts, clock, ports, certificates, and links that end.\n\n"
    "Of each: what is expected, what was found, what to do. Exit 0: nothing is to be done."
)
@config_option
@click.option("--all", "show_all", is_flag=True, help="Show what is well in full, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(config_file: Path, show_all: bool, as_json: bool) -> int:
    from angarium.config.loader import load

    findings = asyncio.run(_diagnosed(load(config_file)))
    ill = [each for each in findings if each.verdict != "ok"]
    if as_json:
        click.echo(json.dumps({"ok": not ill, "findings": [_json(each) for each in findings]}))
    else:
        _print(findings, show_all=show_all)
        things = f"{len(ill)} thing{'s' * (len(ill) != 1)} to do" if ill else "nothing to do"
        click.echo(f"{len(findings)} examined, {things}.")
    return EX_UNAVAILABLE if ill else EX_OK


async def _diagnosed(config: Config) -> list[Finding]:
    from angarium.insight.doctor import diagnose

    return [each async for each in diagnose(config, datetime.now(UTC).date())]


def _json(finding: Finding) -> dict[str, str]:
    return {
        "check": finding.name,
        "verdict": finding.verdict,
        **(msgspec.to_builtins(finding.evidence) if finding.evidence is not None else {}),
        "text": finding.text,
    }


def _print(findings: Sequence[Finding], *, show_all: bool) -> None:
    """By subject, in the order in which they come."""
    by_subject: dict[str, list[Finding]] = {}
    for each in findings:
        subject = each.evidence.subject if each.evidence is not None else ""
        by_subject.setdefault(subject, []).append(each)
    for subject, found in by_subject.items():
        click.echo(subject)
        for each in found:
            evidence = each.evidence
            assert evidence is not None  # ``diagnose`` says so
            if each.verdict == "ok" and not show_all:
                click.echo(f"  {_MARKS[each.verdict]}  {each.name:<14} {evidence.found}")
                continue
            click.echo(f"  {_MARKS[each.verdict]}  {each.name}")
            for label, text in (
                ("expected", evidence.expected),
                ("found", evidence.found),
                ("to do", evidence.remedy),
            ):
                if text:
                    click.echo(f"        {label:<8}  {text}")

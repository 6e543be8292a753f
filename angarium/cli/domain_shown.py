"""What is shown of a tenant's domain: for people, and as JSON."""

from collections.abc import Sequence
from typing import Final

import click

from angarium.cli.platform_access import time_text
from angarium.tenancy.domain_check import (
    CheckedRecord,
    DomainCheck,
    health_of,
    outcome_of,
)
from angarium.tenancy.domain_keys import record_may_go, record_name
from angarium.tenancy.model import Domain

_MARKS: Final = {"ok": "ok  ", "warn": "warn", "fail": "FAIL", None: "?   "}


def row(found: Domain, check: DomainCheck | None) -> dict[str, object]:
    outcome = None if check is None else outcome_of(found, check)
    return {
        "domain": found.name,
        "tenant": found.tenant,
        "status": found.status,
        "health": health_of(found, outcome, "pending"),
        "failed": [] if outcome is None else outcome.failed,
        "assumed": found.assumed,
        "created": time_text(found.created),
        "verified": time_text(found.verified),
        "checked": None if check is None else time_text(check.checked),
    }


def answer(
    found: Domain, records: Sequence[CheckedRecord], check: DomainCheck | None
) -> dict[str, object]:
    return {**row(found, check), "keys": _keys(found), "records": records}


def print_list(domains: Sequence[tuple[Domain, DomainCheck | None]]) -> None:
    width = max(len(each.name) for each, _ in domains)
    for each, check in domains:
        how = "  by the operator's word" if each.assumed else ""
        failed = outcome_of(each, check).failed if check is not None else ()
        ill = f"  failed: {', '.join(failed)}" if failed and each.verified is not None else ""
        click.echo(f"{each.name:{width}}  {each.tenant}  {each.status}{how}{ill}")


def print_zone(records: Sequence[CheckedRecord]) -> None:
    for each in records:
        if each.zone_line:
            click.echo(each.zone_line)


def print_report(found: Domain, records: Sequence[CheckedRecord]) -> None:
    """What was found of each record, and what to do where it differs."""
    for each in records:
        click.echo(f"{_MARKS[each.verdict]}  {each.purpose}: {each.found or 'not looked at yet'}")
        if each.verdict != "ok" and each.remedy and each.zone_line not in each.remedy:
            click.echo(f"      {each.remedy}")
        if each.verdict != "ok" and each.zone_line:
            click.echo(f"      {each.zone_line}")
    for key in _keys(found):
        if key["state"] != "signs":
            click.echo(f"key {key['selector']} {_in_words(key)}")


def _in_words(key: dict[str, str | None]) -> str:
    if key["state"] == "waits":
        return "waits for its record; then it signs"
    return f"is retired: its record may go after {key['record_may_go']}"


def _keys(found: Domain) -> list[dict[str, str | None]]:
    return [
        {
            "selector": each.selector,
            "type": each.type,
            "record": record_name(found, each),
            "state": "waits" if each.waits else "signs" if each.signs else "retired",
            "record_may_go": time_text(record_may_go(each)),
        }
        for each in found.keys
    ]

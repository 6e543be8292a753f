"""``postmaster receivers list`` and ``show``: single reports."""

from pathlib import Path
from typing import Final

import click
import msgspec

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_NOINPUT, EX_OK, CommandError
from angarium.cli.receivers.opening import days_of, load_config, reading
from angarium.cli.receivers.printing import print_csv, print_json, print_table
from angarium.receiver_reports.asked import MAX_ROWS, ReportLine, ReportsQuery
from angarium.receiver_reports.ownership import EVERYTHING
from angarium.telemetry.timestamp import rfc3339

_ROWS: Final = 1000


@click.command("list", help="Reports that came, the newest first; or what was not taken, and why.")
@click.option("--kind", type=click.Choice(["dmarc", "tls"]), help="Else both.")
@click.option("--domain", default="", help="Only about this domain and those below it.")
@click.option("--from", "first", default="", help="2026-07-01. Usually 30 days.")
@click.option("--to", default="", help="2026-07-31: the last day. Usually today.")
@click.option("--refused", is_flag=True, help="What was not taken instead.")
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
@config_option
def list_reports(
    kind: str | None,
    domain: str,
    first: str,
    to: str,
    refused: bool,
    limit: int,
    as_json: bool,
    as_csv: bool,
    config_file: Path,
) -> int:
    days = days_of(first, to)
    seen = EVERYTHING.narrowed(domain.lower().rstrip("."))
    query = ReportsQuery(first=days.first, end=days.end, kind=kind or "", seen=seen, limit=limit)
    with reading(load_config(config_file)) as reader:
        if refused:
            rows: list[dict[str, object]] = [
                {"at": rfc3339(each.at), "via": each.via, "name": each.name, "why": each.why}
                for each in reader.refusals(limit)
            ]
            columns = {"at": "at", "via": "via", "name": "file", "why": "why"}
        else:
            rows = [_shown(each) for each in reader.reports(query)]
            columns = {
                **{name: name for name in ("id", "kind", "begin", "organization", "domain")},
                "rows": "rows",
                "messages": "messages",
                "via": "via",
            }
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv(list(rows[0]) if rows else list(columns), rows)
    else:
        print_table(columns, rows)
    return EX_OK


@click.command(help="Show one report with its rows, those with most mail first.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=_ROWS, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.argument("number", type=int)
@config_option
def show(number: int, limit: int, as_json: bool, config_file: Path) -> int:
    with reading(load_config(config_file)) as reader:
        line = reader.find(number)
        if line is None:
            raise CommandError(
                f"there is no report {number}; `postmaster receivers list` names them", EX_NOINPUT
            )
        head = reader.head(number)
        rows = (
            reader.rows_of(number, limit)
            if line.kind == "dmarc"
            else reader.policies_of(number, limit)
        )
    if as_json:
        print_json({**_shown(line), "head": head, "rows": rows})
        return EX_OK
    for name, value in {**_shown(line), **head}.items():
        click.echo(f"{name:<14} {value}")
    click.echo()
    if line.kind == "dmarc":
        _print_dmarc(rows)
    else:
        _print_tls(rows)
    return EX_OK


def _print_dmarc(rows: list[dict[str, object]]) -> None:
    for row in rows:
        row["dkim"] = f"{row['dkim']} {row['dkim_detail']}".strip()
        row["spf"] = f"{row['spf']} {row['spf_detail']}".strip()
    columns = {
        "address": "source",
        "count": "mails",
        "disposition": "disposition",
        "header_from": "from",
        "dkim": "DKIM",
        "spf": "SPF",
        "override": "override",
    }
    print_table(columns, rows)


def _print_tls(policies: list[dict[str, object]]) -> None:
    names = ("domain", "policy", "successful", "failed", "hosts")
    print_table({name: name for name in names}, policies)
    for policy in policies:
        failures = policy["failures"]
        assert isinstance(failures, list)  # as ``policies_of`` has it
        if failures:
            click.echo(f"\nfailed for {policy['domain']} ({policy['policy']}):")
            failed = ("mx", "result", "count", "sending", "receiving", "reason", "more")
            print_table({name: name for name in failed}, failures)


def _shown(line: ReportLine) -> dict[str, object]:
    found: dict[str, object] = msgspec.structs.asdict(line)
    return {
        **found,
        "begin": rfc3339(line.begin * 1000),
        "end": rfc3339(line.end * 1000),
        "received": rfc3339(line.received),
    }

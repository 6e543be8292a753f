"""``postmaster receivers dmarc``, ``tls``, ``feedback`` and ``figures``: reports added up."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, get_args

import click

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_OK
from angarium.cli.receivers.opening import days_of, load_config, reading
from angarium.cli.receivers.printing import print_csv, print_json, print_table
from angarium.insight.receiver_sources import own_sources
from angarium.receiver_reports.asked import (
    MAX_ROWS,
    CameBackBy,
    DmarcBy,
    TablePage,
    TableQuery,
    TlsBy,
)
from angarium.receiver_reports.ownership import EVERYTHING
from angarium.receiver_reports.standing import standing_of
from angarium.receiver_reports.tables import day_text

Command = Callable[..., Any]
_DMARC: Final = {
    "messages": "messages",
    "aligned": "aligned",
    "dkim_aligned": "by DKIM",
    "spf_aligned": "by SPF",
    "quarantined": "quarantined",
    "rejected": "rejected",
}


def _of_time(command: Command) -> Command:
    for option in (
        config_option,
        click.option("--csv", "as_csv", is_flag=True, help="As CSV."),
        click.option("--json", "as_json", is_flag=True, help="As JSON."),
        click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=100, show_default=True),
        click.option("--to", default="", help="2026-07-31: the last day. Usually today."),
        click.option("--from", "first", default="", help="2026-07-01. Usually 30 days."),
    ):
        command = option(command)
    return command


_domain_option = click.option("--domain", default="", help="Only this domain and those below it.")


@click.command(help="DMARC reports: mail in our name, and whether it was aligned.")
@click.option("--by", type=click.Choice(get_args(DmarcBy)), default="source", show_default=True)
@_domain_option
@_of_time
def dmarc(
    by: str,
    domain: str,
    first: str,
    to: str,
    limit: int,
    as_json: bool,
    as_csv: bool,
    config_file: Path,
) -> int:
    config = load_config(config_file)
    query = _query(by, domain, first, to, limit)
    with reading(config) as reader:
        page = reader.dmarc(query)
    rows: list[dict[str, object]] = [{by: each.key, **each.counts} for each in page.rows]
    columns = {by: by, **_DMARC}
    if by == "source":
        own = own_sources(config)
        for row in rows:
            address = str(row["source"])
            row["name"] = own.get(address, "")
            row["is"] = _standing(row, is_own=address in own)
        columns = {"source": "source", "name": "name", "is": "is", **_DMARC}
    _print("dmarc", query, page, rows, columns, as_json=as_json, as_csv=as_csv)
    return EX_OK


@click.command(
    help="TLS reports: sessions to our hosts, and what failed. Of hosts and results only what failed is told."
)
@click.option("--by", type=click.Choice(get_args(TlsBy)), default="host", show_default=True)
@_domain_option
@_of_time
def tls(
    by: str,
    domain: str,
    first: str,
    to: str,
    limit: int,
    as_json: bool,
    as_csv: bool,
    config_file: Path,
) -> int:
    query = _query(by, domain, first, to, limit)
    with reading(load_config(config_file)) as reader:
        page = reader.tls(query)
    rows: list[dict[str, object]] = [{by: each.key, **each.counts} for each in page.rows]
    columns = {by: by, "successful": "successful", "failed": "failed", "reports": "reports"}
    _print("tls", query, page, rows, columns, as_json=as_json, as_csv=as_csv)
    return EX_OK


@click.command(help="Complaints and bounces that came back, by provider, class, source and more.")
@click.option("--by", type=click.Choice(get_args(CameBackBy)), default="class", show_default=True)
@click.option("--tenant", help="Only of this tenant; else of all.")
@_of_time
def feedback(
    by: str,
    tenant: str | None,
    first: str,
    to: str,
    limit: int,
    as_json: bool,
    as_csv: bool,
    config_file: Path,
) -> int:
    days = days_of(first, to)
    query = TableQuery(by=by, first=days.first, end=days.end, tenant=tenant, limit=limit)
    with reading(load_config(config_file)) as reader:
        page = reader.came_back(query)
    rows: list[dict[str, object]] = [{by: each.key, **each.counts} for each in page.rows]
    columns = {by: by, "complaints": "complaints", "bounces": "bounces", "others": "others"}
    _print("feedback", query, page, rows, columns, as_json=as_json, as_csv=as_csv)
    return EX_OK


@click.command(help="What Google and Microsoft say of our domains and addresses, the newest first.")
@click.option("--provider", type=click.Choice(["google", "microsoft"]), help="Else of both.")
@_domain_option
@_of_time
def figures(
    provider: str | None,
    domain: str,
    first: str,
    to: str,
    limit: int,
    as_json: bool,
    as_csv: bool,
    config_file: Path,
) -> int:
    query = _query("", domain, first, to, limit)
    with reading(load_config(config_file)) as reader:
        found = reader.figures(query, provider or "")
        polls = reader.polls()
    names = ("day", "provider", "subject", "name", "value", "word")
    rows = [{name: getattr(each, name) for name in names} for each in found]
    if as_json:
        print_json({"figures": rows, "polls": polls})
    elif as_csv:
        print_csv(names, rows)
    else:
        shown = [
            {**row, "value": row["word"] if row["value"] is None else f"{row['value']:g}"}
            for row in rows
        ]
        print_table({name: name for name in names[:5]}, shown)
    return EX_OK


def _query(by: str, domain: str, first: str, to: str, limit: int) -> TableQuery:
    days = days_of(first, to)
    seen = EVERYTHING.narrowed(domain.lower().rstrip("."))
    return TableQuery(by=by, first=days.first, end=days.end, seen=seen, limit=limit)


def _standing(row: Mapping[str, Any], *, is_own: bool) -> str:
    return standing_of(
        is_own=is_own,
        messages=row["messages"],
        aligned=row["aligned"],
        dkim_aligned=row["dkim_aligned"],
        spf_aligned=row["spf_aligned"],
    )


def _print(
    what: str,
    query: TableQuery,
    page: TablePage,
    rows: list[dict[str, object]],
    columns: Mapping[str, str],
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    first, last = day_text(query.first), day_text(query.end - 1)
    if as_json:
        span = {"table": what, "by": query.by, "from": first, "to": last}
        print_json({**span, "rows": rows, "total": page.total, "left_out": page.left_out})
        return
    if as_csv:
        print_csv(list(rows[0]) if rows else list(columns), rows)
        return
    click.echo(f"{first} to {last}")
    print_table(columns, rows)
    if page.left_out:
        click.echo(f"{page.left_out:,} more: --limit shows more of them, --csv suits a spreadsheet")

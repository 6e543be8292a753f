"""``postmaster erase``: one person's data out of all stores, with a report of what was found and done."""

import sqlite3
from pathlib import Path

import click
import msgspec

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_OK, EX_TEMPFAIL, EX_USAGE, CommandError
from angarium.cli.person_options import person_options, reached_stores, read_address
from angarium.cli.platform_access import print_json
from angarium.personal_data.erasing import Report
from angarium.telemetry.timestamp import rfc3339


@click.command(
    "erase",
    help="Erase what is known of a person by their address: mail that waits for them is cancelled, records of them go,"
    " or stay without the address, and nothing is sent to them any more, by a keyed digest. What was broken off is"
    " finished by giving it again. Exit code 75: something is left, and the report says what.",
)
@config_option
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit: a ticket's number.")
@click.option("--dry-run", is_flag=True, help="Only say what there is.")
@click.option(
    "--compact",
    is_flag=True,
    help="Then write the queue's file and the databases anew, without free pages; the server must be stopped.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def erase(
    config_file: Path,
    address: str,
    tenant: str | None,
    reason: str,
    dry_run: bool,
    compact: bool,
    as_json: bool,
) -> int:
    wanted = read_address(address)
    with reached_stores(config_file, tenant) as reached:
        if compact and reached.stores.server is not None:
            text = f"a server (pid {reached.stores.server}) runs: stop it, or leave --compact out"
            raise CommandError(text, EX_USAGE)
        report = reached.desk(tenant).erase(wanted, reason, dry_run=dry_run)
    if compact and not dry_run:
        _compact(config_file)
        report = msgspec.structs.replace(report, remains=report.remains[-1:])
    _print(report, as_json=as_json)
    return EX_OK if report.is_complete else EX_TEMPFAIL


def _compact(config_file: Path) -> None:
    from angarium.cli.config_option import load_for_queue
    from angarium.cli.queue.file import queue_errors, queue_path
    from angarium.host.owner import acting_as_owner
    from angarium.queue.lmdb.file.compaction import compact

    config = load_for_queue(config_file)
    path = queue_path(config)
    with queue_errors(), acting_as_owner(path.parent):
        compact(path, lambda _done, _all: None)
        for file in sorted(path.parent.glob("*.db")):
            with sqlite3.connect(file, isolation_level=None) as db:
                db.execute("VACUUM")
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.close()


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        shown = msgspec.to_builtins(report)
        print_json(
            {
                **shown,
                "at": rfc3339(report.at),
                "found": report.found,
                "complete": report.is_complete,
            }
        )
        return
    for each in report.stores:
        changed = "" if report.dry_run else f", {each.changed} erased"
        click.echo(f"{each.name:<14} {each.found} found{changed}")
        for text in each.left:
            click.echo(f"  left: {text}")
    for text in report.remains:
        click.echo(f"remains: {text}")
    if not report.dry_run:
        click.echo(f"suppressed as {report.alias}")


person_options(erase)

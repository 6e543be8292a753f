"""``postmaster erase``: one person's data out of all stores, with a report of what was found and done."""

import os
import sqlite3
from pathlib import Path

import click
import msgspec

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_OK, EX_TEMPFAIL, EX_USAGE, CommandError
from angarium.cli.person_options import Reached, person_options, reached_stores, read_address
from angarium.cli.platform_access import actor_name, print_json
from angarium.personal_data.erasing import Erasure, Report
from angarium.personal_data.store import Subject
from angarium.queue.act import Actor
from angarium.queue.person import KEY_OCTETS, Person
from angarium.service.runtime import wall_clock
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
        report = _erase(reached, wanted, tenant, reason, dry_run=dry_run)
    if compact and not dry_run:
        _compact(config_file)
        report = msgspec.structs.replace(report, remains=report.remains[-1:])
    _print(report, as_json=as_json)
    return EX_OK if report.is_complete else EX_TEMPFAIL


def _erase(
    reached: Reached, address: str, tenant: str | None, reason: str, *, dry_run: bool
) -> Report:
    queue = reached.stores.queue
    key = queue.find_key() or os.urandom(KEY_OCTETS)
    if not dry_run:
        key = queue.make_key(key)
    person = Person(address, key)
    subject = Subject(
        person=person, tenant=tenant, by=Actor(who=actor_name(), reason=person.out_of_text(reason))
    )
    erasure = Erasure(reached.stores, subject, wall_clock)
    if dry_run:
        return erasure.look()
    report = erasure.erase()
    reached.platform.audit.note(
        "person.erased",
        tenant or "",
        person.alias,
        found=str(report.found),
        left=str(sum(bool(each.left) for each in report.stores)),
        reason=person.out_of_text(reason),
    )
    return report


def _compact(config_file: Path) -> None:
    from angarium.cli.config_option import load_for_queue
    from angarium.cli.queue.direct import queue_errors, queue_path
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
    done = "is found" if report.dry_run else "was found"
    for each in report.stores:
        changed = "" if report.dry_run else f", {each.changed} erased"
        click.echo(f"{each.name:<14} {each.found} {done}{changed}")
        for text in each.left:
            click.echo(f"  left: {text}")
    for text in report.remains:
        click.echo(f"remains: {text}")
    if not report.dry_run:
        click.echo(f"suppressed as {report.alias}")


person_options(erase)

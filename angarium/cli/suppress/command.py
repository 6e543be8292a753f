"""``postmaster suppress``: addresses that nothing is sent to, beside a running server or without one."""

import json
from collections.abc import Iterator
from pathlib import Path

import click

from angarium.cli.audited import note_all
from angarium.cli.config_option import config_option
from angarium.cli.duration import Duration
from angarium.cli.exit import EX_NOINPUT, EX_OK, EX_USAGE, CommandError
from angarium.cli.queue.access import QueueAccess, open_queue
from angarium.cli.suppress.files import export, import_
from angarium.cli.suppress.options import ScopeText, filter_options, why_option
from angarium.cli.suppress.text import shown_lines, suppression_json, table_lines
from angarium.insight.admin.suppressions import SUPPRESSIONS_LISTED, SuppressedAddress
from angarium.insight.suppression_csv import REASONS
from angarium.queue import Scope, Suppression, SuppressionFilter, UnixMs
from angarium.queue.suppressions import EVERYBODY, MANUAL
from angarium.queue.wall_clock import wall_clock

PAGE = 100


_json_option = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group(help="See and change which addresses nothing is sent to.")
def suppress() -> None:
    pass


suppress.add_command(import_)
suppress.add_command(export)


@suppress.command("list", help="List suppressions in force, by domain, a page at a time.")
@config_option
@filter_options
@click.option("--limit", type=click.IntRange(1, 100_000), default=PAGE, show_default=True)
@click.option("--after", metavar="CURSOR", help="Continue behind the page that named this cursor.")
@_json_option
def list_(
    config_file: Path,
    prefix: str,
    domain: str,
    scope: Scope | None,
    reason: str,
    limit: int,
    after: str | None,
    as_json: bool,
) -> int:
    wanted = SuppressionFilter(prefix=prefix, domain=domain, scope=scope, reason=reason)
    with open_queue(config_file) as reached:
        page = reached.suppressions(wanted, _cursor(after) if after else None, limit)
    cursor = page.cursor.hex() if page.cursor else None
    if as_json:
        rows = [suppression_json(each) for each in page.suppressions]
        _print_json({"count": len(rows), "suppressions": rows, "next": cursor})
        return EX_OK
    for line in table_lines(page.suppressions) if page.suppressions else ["nothing is suppressed"]:
        click.echo(line)
    if cursor:
        click.echo(f"more: --after {cursor}")
    return EX_OK


@suppress.command(
    "show", help="Say whether an address is suppressed: for whom, why and until when."
)
@config_option
@click.argument("email", metavar="ADDRESS")
@_json_option
def show(config_file: Path, email: str, as_json: bool) -> int:
    with open_queue(config_file) as reached:
        found = list(_all_of(reached, email))
    if as_json:
        _print_json({"email": email, "suppressions": [suppression_json(each) for each in found]})
        return EX_OK if found else EX_NOINPUT
    if not found:
        raise CommandError(f"{email} is not suppressed", EX_NOINPUT)
    for line in shown_lines(found):
        click.echo(line)
    return EX_OK


@suppress.command(
    "add", help="Send nothing more to addresses. What is there of a scope is replaced."
)
@config_option
@click.argument("emails", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--scope", type=ScopeText(), default="all", show_default=True)
@click.option(
    "--reason",
    type=click.Choice(REASONS),
    metavar="REASON",
    default=MANUAL,
    show_default=True,
    help="A bounce class, complaint, unsubscribe, manual or import.",
)
@click.option("--for", "expires_ms", type=Duration(), help="For so long: 12h, 30d; else for ever.")
@click.option("--evidence", default="", metavar="TEXT", help="What shows it.")
@why_option
@_json_option
def add(
    config_file: Path,
    emails: tuple[str, ...],
    scope: Scope,
    reason: str,
    expires_ms: int | None,
    evidence: str,
    why: str,
    as_json: bool,
) -> int:
    now = wall_clock()
    expires_at = None if expires_ms is None else UnixMs(now + expires_ms)
    rows = [
        Suppression(
            email=each,
            scope=scope,
            reason=reason,
            added_at=now,
            expires_at=expires_at,
            evidence=evidence,
        )
        for each in emails
    ]
    with open_queue(config_file) as reached:
        reached.suppress(rows, why, replaces=True)
    told = {"scope": scope.text, "reason": reason, "why": why}
    note_all(config_file, "suppression.added", emails, "addresses", **told)
    if as_json:
        _print_json({"suppressions": [suppression_json(each) for each in rows]})
    else:
        for each in emails:
            click.echo(f"{each} is suppressed.")
    return EX_OK


@suppress.command("remove", help="Send to addresses again; what is queued for them was ended.")
@config_option
@click.argument("emails", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--scope", type=ScopeText(), help="Only this one; else whatever suppresses them.")
@why_option
@_json_option
def remove(
    config_file: Path, emails: tuple[str, ...], scope: Scope | None, why: str, as_json: bool
) -> int:
    removed: list[Suppression] = []
    missing: list[str] = []
    with open_queue(config_file) as reached:
        for email in emails:
            found = [each for each in _all_of(reached, email) if scope in (None, each.scope)]
            # One whose record the disk damaged is in no list
            asked = [SuppressedAddress(email=email, scope=each.scope) for each in found]
            asked = asked or [SuppressedAddress(email=email, scope=scope or EVERYBODY)]
            done = reached.unsuppress(asked, why)
            removed += [each for each, was in zip(found, done, strict=False) if was]
            if not any(done):
                missing.append(email)
    scopes = ", ".join(sorted({each.scope.text for each in removed}))
    gone = [each.email for each in removed]
    note_all(config_file, "suppression.removed", gone, "addresses", scope=scopes, why=why)
    if as_json:
        _print_json({"removed": [suppression_json(each) for each in removed], "missing": missing})
        return EX_NOINPUT if missing else EX_OK
    for each in removed:
        click.echo(f"{each.email} is suppressed no more ({each.scope.text}).")
    if missing:
        where = "" if scope is None else f" for {scope.text}"
        raise CommandError(f"{', '.join(missing)}: not suppressed{where}", EX_NOINPUT)
    return EX_OK


def _all_of(reached: QueueAccess, email: str) -> Iterator[Suppression]:
    """All of an address, in force, of whatever scope."""
    after: bytes | None = None
    while True:
        page = reached.suppressions(SuppressionFilter(email=email), after, SUPPRESSIONS_LISTED)
        yield from page.suppressions
        after = page.cursor
        if after is None:
            return


def _cursor(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise CommandError(f"{text[:40]!r} is no cursor of a page", EX_USAGE) from None


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))

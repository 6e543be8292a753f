"""``postmaster audit``: who changed what, and when; and whether the record of it is whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import click

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_DATAERR, EX_USAGE, CommandError
from angarium.cli.moment import Moment
from angarium.cli.platform_access import json_option, print_json, time_text, using_platform
from angarium.queue.wall_clock import wall_clock
from angarium.tenancy.audit.checking import ChainBroken, ChainCheck, Verdict
from angarium.tenancy.audit.exported import (
    ExportedAnchor,
    anchor_line,
    exported_line,
    read_exported,
)
from angarium.tenancy.audit.link import Link

_PAGE: Final = 500
_DIGEST_OCTETS: Final = 32


@click.group()
def audit() -> None:
    """The audit: an entry for each administrative act, chained to the one before by its SHA-256 digest."""


@audit.command("list")
@click.option("--tenant", help="Only entries about this tenant.")
@click.option(
    "--since",
    type=Moment(wall_clock),
    help="Only later ones: 2h (ago), 2026-07-01.",
)
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="At most."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(
    tenant: str | None, since: int | None, limit: int, as_json: bool, config_file: Path
) -> None:
    """List the entries, the newest first."""
    with using_platform(config_file) as (platform, _):
        before: int | None = None
        left = limit
        while left:
            page = platform.audit.page(tenant, before, min(left, _PAGE))
            for each in page:
                if since is not None and each.entry.at < since:
                    return
                _print(each, as_json)
            if len(page) < min(left, _PAGE):
                return
            before, left = page[-1].number, left - len(page)


@audit.command("head")
@json_option
@config_option
def head(as_json: bool, config_file: Path) -> None:
    """Show the last entry's digest. Kept elsewhere, it tells later whether entries were cut off: verify --head."""
    with using_platform(config_file) as (platform, _):
        place = platform.audit.head()
    if as_json:
        print_json({"number": place.number, "digest": place.digest.hex()})
    else:
        click.echo(f"{place.number} {place.digest.hex()}")


@audit.command("verify")
@click.option(
    "--head",
    "heads",
    multiple=True,
    metavar="DIGEST",
    help="A digest that was noted elsewhere, as in the server's log (audit_head), and must be in the chain.",
)
@click.option(
    "--file",
    "file",
    type=click.File("rb"),
    help="Verify what `audit export` wrote instead of the database; - is standard input.",
)
@json_option
@config_option
def verify(
    heads: tuple[str, ...], file: IO[bytes] | None, as_json: bool, config_file: Path
) -> None:
    """Compute the chain anew. Exits with 65 at the first entry that was changed, taken out or put in."""
    noted = [_digest(each) for each in heads]
    if file is not None:
        verdict = _verify_file(file, noted)
    else:
        with using_platform(config_file) as (platform, _):
            verdict = platform.audit.verify(noted)
    _print_verdict(verdict, as_json)
    if isinstance(verdict, ChainBroken):
        raise SystemExit(EX_DATAERR)


@audit.command("export")
@click.argument("file", type=click.File("wb"), default="-")
@config_option
def export(file: IO[bytes], config_file: Path) -> None:
    """Write all entries to FILE (standard output), the oldest first: JSON lines that `verify --file` reads."""
    with using_platform(config_file) as (platform, _):
        file.write(anchor_line(platform.audit.anchor()))
        for each in platform.audit.links():
            file.write(exported_line(each))


def _verify_file(file: IO[bytes], heads: list[bytes]) -> Verdict:
    try:
        lines: Iterator[ExportedAnchor | Link] = read_exported(file)
        anchor = next(lines, None)
        if not isinstance(anchor, ExportedAnchor):
            raise CommandError("its first line is no anchor: is it of `audit export`?", EX_DATAERR)
        check = ChainCheck(anchor.place, heads)
        for each in lines:
            if isinstance(each, ExportedAnchor):
                raise CommandError("there are two anchors: verify each export alone", EX_DATAERR)
            if (broken := check.take(each)) is not None:
                return broken
        return check.end(None)
    except ValueError as error:
        raise CommandError(str(error), EX_DATAERR) from None


def _digest(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != _DIGEST_OCTETS:
        raise CommandError(f"--head {text[:80]!r}: 64 hexadecimal digits are expected", EX_USAGE)
    return found


def _print_verdict(verdict: Verdict, as_json: bool) -> None:
    if isinstance(verdict, ChainBroken):
        if as_json:
            print_json({"whole": False, "number": verdict.number, "reason": verdict.reason})
        else:
            click.echo(f"broken at entry {verdict.number}: {verdict.reason}")
        return
    if as_json:
        print_json(
            {
                "whole": True,
                "entries": verdict.entries,
                "head": {"number": verdict.head.number, "digest": verdict.head.digest.hex()},
                "let_go_through": verdict.anchor.number,
                "redacted": verdict.redacted,
            }
        )
        return
    click.echo(f"whole: {verdict.entries} entries, the last is {verdict.head.number}")
    click.echo(f"head: {verdict.head.digest.hex()}")
    if verdict.anchor.number:
        click.echo(f"let go when their time was over: up to {verdict.anchor.number}")
    if verdict.redacted:
        click.echo(f"a person's words were taken out of {len(verdict.redacted)} of them")


def _print(link: Link, as_json: bool) -> None:
    entry = link.entry
    if as_json:
        print_json(
            {
                "number": link.number,
                "at": time_text(entry.at),
                "actor": entry.actor,
                "action": entry.action,
                "tenant": entry.tenant,
                "subject": entry.subject,
                "details": entry.details,
                "digest": link.digest.hex(),
            }
        )
        return
    details = "  ".join(f"{name}={value}" for name, value in entry.details.items())
    of = f"  tenant {entry.tenant}" if entry.tenant else ""
    text = (
        f"{time_text(entry.at)}  {entry.action}  {entry.subject}{of}  by {entry.actor}  {details}"
    )
    click.echo(text.rstrip())

"""``postmaster suppress import`` and ``export``: many addresses by file, as CSV, in flat memory."""

import contextlib
import csv
import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, TextIO

import click
import msgspec

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_CANTCREAT, EX_DATAERR, EX_NOINPUT, EX_OK, EX_USAGE, CommandError
from angarium.cli.progress import count_progress
from angarium.cli.queue.access import open_queue
from angarium.cli.suppress.options import filter_options, why_option
from angarium.cli.suppress.text import suppression_json
from angarium.insight.admin.suppressions import SUPPRESSIONS_LISTED
from angarium.insight.suppression_csv import (
    COLUMNS,
    Layout,
    RowError,
    find_layout,
    read_rows,
    row_of,
)
from angarium.queue import Scope, Suppression, SuppressionFilter, UnixMs
from angarium.queue.wall_clock import wall_clock

# Handed over at a time: a question to the server is bounded
_ROWS: Final = 1000
_ROW_OCTETS: Final = 300  # without its evidence
_LOT_OCTETS: Final = 524_288
_ERRORS_SHOWN: Final = 20
_PROGRESS_S: Final = 0.2
_OURS: Final = frozenset(COLUMNS)


@click.command(
    "import",
    help="Suppress all addresses of a CSV file (- for standard input); UTF-8, the first line names the columns:"
    " email, and if you like scope, reason, added_at, expires_at, evidence. Every line is looked at before the first"
    " is taken: where one is wrong, none is. What is there and weighs as much stays.",
)
@config_option
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="What a column is called in the file: --column email=Recipient.",
)
@click.option("--skip-wrong", is_flag=True, help="Take the lines that are right, name the others.")
@why_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def import_(
    config_file: Path,
    file: Path,
    columns: tuple[str, ...],
    skip_wrong: bool,
    why: str,
    as_json: bool,
) -> int:
    mapped = dict(_mapping(each) for each in columns)
    now, started = wall_clock(), time.monotonic()
    with _opened(file) as octets:
        try:
            with _text(octets) as text:
                layout = find_layout(text.readline(), mapped)
        except RowError as error:
            raise CommandError(f"{file}: {error}", EX_DATAERR) from None
        looked = _look(octets, layout, now)
        _name_wrong(file, looked)
        if looked.wrong and not skip_wrong:
            raise CommandError(
                "nothing was imported: mend these lines, or say --skip-wrong", EX_DATAERR
            )
        with (
            open_queue(config_file) as reached,
            count_progress("import", looked.right, hidden=as_json) as progress,
        ):
            added = done = 0
            for lot in _lots(octets, layout, now):
                added += sum(reached.suppress(lot, why, replaces=False))
                done += len(lot)
                progress(done)
    if added:
        note_act(config_file, "suppression.imported", f"{added} addresses", why=why)
    unchanged = looked.right - added
    if as_json:
        told = {"rows": looked.right, "added": added, "unchanged": unchanged, "wrong": looked.wrong}
        click.echo(json.dumps(told))
    else:
        seconds = time.monotonic() - started
        click.echo(f"{added} addresses are suppressed now, {unchanged} were ({seconds:.1f} s)")
    return EX_DATAERR if looked.wrong else EX_OK


def _name_wrong(file: Path, looked: "_Looked") -> None:
    for text in looked.named:
        click.echo(f"postmaster: {file}: {text}", err=True)
    if looked.wrong > len(looked.named):
        click.echo(f"postmaster: and {looked.wrong - len(looked.named)} more lines", err=True)


def _mapping(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not equals or ours not in _OURS:
        names = ", ".join(COLUMNS)
        raise CommandError(
            f"--column {text}: write OURS=THEIRS, where OURS is of {names}", EX_USAGE
        )
    return ours, theirs


def _opened(file: Path) -> IO[bytes]:
    """What can be read twice: what comes by a pipe is put aside."""
    try:
        if str(file) != "-":
            return file.open("rb")
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", EX_NOINPUT) from None
    kept = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    shutil.copyfileobj(sys.stdin.buffer, kept)
    return kept


@contextlib.contextmanager
def _text(octets: IO[bytes]) -> Iterator[TextIO]:
    """From its beginning on."""
    octets.seek(0)
    text = io.TextIOWrapper(octets, encoding="utf-8-sig", newline="")
    try:
        yield text
    except UnicodeDecodeError as error:
        raise CommandError(f"the file is not UTF-8: {error}", EX_DATAERR) from None
    finally:
        text.detach()


class _Looked(msgspec.Struct, kw_only=True):
    right: int = 0
    wrong: int = 0
    named: list[str] = []  # the first of these


def _look(octets: IO[bytes], layout: Layout, now: UnixMs) -> _Looked:
    """Go through all lines, and take none."""
    looked = _Looked()
    with _text(octets) as text:
        for _, row in read_rows(text, layout, now):
            if not isinstance(row, RowError):
                looked.right += 1
                continue
            looked.wrong += 1
            if looked.wrong <= _ERRORS_SHOWN:
                looked.named.append(str(row))
    return looked


def _lots(octets: IO[bytes], layout: Layout, now: UnixMs) -> Iterator[list[Suppression]]:
    lot: list[Suppression] = []
    size = 0
    with _text(octets) as text:
        for _, row in read_rows(text, layout, now):
            if isinstance(row, RowError):
                continue
            lot.append(row)
            size += _ROW_OCTETS + 4 * len(row.evidence)
            if len(lot) == _ROWS or size >= _LOT_OCTETS:
                yield lot
                lot, size = [], 0
    if lot:
        yield lot


@click.command(
    "export",
    help="Write suppressions in force as CSV, as import reads it: to FILE (mode 0600), else to standard output. What a"
    " spreadsheet would take for a formula has an apostrophe in front.",
)
@config_option
@filter_options
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As JSON, one object a line.")
def export(
    config_file: Path,
    prefix: str,
    domain: str,
    scope: Scope | None,
    reason: str,
    file: Path | None,
    as_json: bool,
) -> int:
    wanted = SuppressionFilter(prefix=prefix, domain=domain, scope=scope, reason=reason)
    # The file is the caller's: it is opened before we act as the queue's owner
    with _output(file) as out, open_queue(config_file) as reached:
        writer = csv.writer(out, lineterminator="\n")
        if not as_json:
            writer.writerow(COLUMNS)
        after: bytes | None = None
        count = 0
        while True:
            page = reached.suppressions(wanted, after, SUPPRESSIONS_LISTED)
            if as_json:
                rows = [json.dumps(suppression_json(each)) + "\n" for each in page.suppressions]
                out.writelines(rows)
            else:
                writer.writerows([row_of(each) for each in page.suppressions])
            count += len(page.suppressions)
            after = page.cursor
            if after is None:
                break
    note_act(config_file, "suppression.exported", f"{count} addresses")
    return EX_OK


@contextlib.contextmanager
def _output(file: Path | None) -> Iterator[TextIO]:
    if file is None or str(file) == "-":
        yield sys.stdout
        return
    try:
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", EX_CANTCREAT) from None
    with os.fdopen(fd, "w", encoding="utf-8", newline="") as out:
        yield out

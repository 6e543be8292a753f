"""``postmaster feedback parse``: what mails that came back say, one JSON object or some words for each."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from angarium.cli.exit import EX_NOINPUT, EX_OK
from angarium.feedback.mail.parts import MAX_OCTETS
from angarium.feedback.reading import read_mail
from angarium.feedback.report import MailKind, Report, ReportedRecipient

_KINDS = {
    MailKind.BOUNCE: "a bounce",
    MailKind.DELAY: "a notice of delay: it is still tried",
    MailKind.DSN_SUCCESS: "a notice of delivery",
    MailKind.ARF: "a complaint",
    MailKind.UNSUBSCRIBE: "asks for no more mail",
    MailKind.AUTO_REPLY: "an automatic reply",
    MailKind.DMARC: "a DMARC report",
    MailKind.TLS_RPT: "a TLS report",
    MailKind.ORDINARY: "ordinary mail",
}


@click.command(
    help="Say what mails that came back mean: whom they are about, and what that has the server do. Each PATH is a"
    " mail, or a folder of mails (its files in the order of their names); any octets get an answer. In words on a"
    " terminal; else, and with --json, one JSON object per mail."
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object per mail, on a terminal too."
)
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
def parse(paths: tuple[Path, ...], as_json: bool) -> int:
    code = EX_OK
    in_words = not as_json and is_terminal()
    for path in _files(paths):
        try:
            with path.open("rb") as file:
                # One octet more says that there is more
                octets = file.read(MAX_OCTETS + 1)
        except OSError as error:
            click.echo(f"postmaster: {path}: {error.strerror}", err=True)
            code = EX_NOINPUT
            continue
        report = read_mail(octets)
        # echo flushes
        click.echo("\n".join(_words(path, report)) if in_words else json.dumps(_row(path, report)))
    return code


def is_terminal() -> bool:
    """Whether a person reads what is printed."""
    return sys.stdout.isatty()


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            # A pipe or a socket among them would be waited for
            yield from sorted(each for each in path.rglob("*") if each.is_file())
        else:
            yield path


def _row(path: Path, report: Report) -> dict[str, Any]:
    return {
        "file": str(path),
        "kind": report.kind.value,
        "recipients": [
            {
                "address": each.address,
                "action": each.action.value,
                "status": each.status or None,
                "hard": each.verdict.hard,
                "class": each.verdict.bounce_class.value,
                "effect": each.verdict.effect.value,
            }
            for each in report.recipients
        ],
        "feedback_type": report.feedback_type or None,
        "reference": next(iter(report.references), None),
    }


def _words(path: Path, report: Report) -> Iterator[str]:
    kind = _KINDS[report.kind]
    yield f"{path}: {kind} ({report.feedback_type})" if report.feedback_type else f"{path}: {kind}"
    yield from (f"    {_recipient(each)}" for each in report.recipients)


def _recipient(each: ReportedRecipient) -> str:
    status = f" {each.status}" if each.status else ""
    said = f": {each.reply}" if each.reply else ""
    verdict = f"{each.verdict.bounce_class}, {each.verdict.effect}"
    return f"{each.address}  {each.action}{status} ({verdict}){said}"

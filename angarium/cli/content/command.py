"""``postmaster content check``: what is wrong with a message in a file."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, EX_OK
from angarium.content.checking.checking import check as find_all
from angarium.content.checking.mail import Facts
from angarium.content.checking.rule import Finding
from angarium.content.checking.spam_score import SpamScore, spam_score
from angarium.intake.checking.checked_mail import MAX_OCTETS, mail_of_raw

_MARKS = {"blocker": "BLOCK", "hint": "hint "}


@click.group()
def content() -> None:
    """Mail before it is sent: what is wrong with it."""


@content.command(
    help="Look at the messages in FILEs (.eml; - is the standard input): what would keep each from being delivered,"
    " shown or read, with what to do, and how likely it is taken for spam. Asks nobody: what DNS, rspamd and clamd say,"
    " POST /v1/check tells. Exits with 65 if anything should block a message (docs/findings.md has all codes)."
)
@click.option("--bulk", is_flag=True, help="As mail that nobody waits for: a newsletter.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per message.")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
def check(files: tuple[Path, ...], bulk: bool, as_json: bool) -> int:
    code = EX_OK
    for path in files:
        try:
            octets = _read(path)
        except OSError as error:
            click.echo(f"postmaster: {path}: {error.strerror}", err=True)
            code = EX_NOINPUT
            continue
        facts = Facts(is_bulk=bulk, now_s=int(time.time()))
        findings = find_all(mail_of_raw(octets), facts)
        score = spam_score(findings)
        if as_json:
            click.echo(json.dumps(_row(path, findings, score)))
        else:
            click.echo("\n".join(_lines(path, findings, score)))
        if code == EX_OK and any(each.level == "blocker" for each in findings):
            code = EX_DATAERR
    return code


def _read(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read(MAX_OCTETS)
    with path.open("rb") as file:
        return file.read(MAX_OCTETS)


def _row(path: Path, findings: tuple[Finding, ...], score: SpamScore) -> dict[str, object]:
    return {
        "file": str(path),
        "blocked": any(each.level == "blocker" for each in findings),
        "score": {"points": score.points, "likely": score.likely, "judgement": score.judgement},
        "findings": [
            {
                "code": each.code,
                "level": each.level,
                "field": each.field,
                "message": each.message,
                "detail": each.detail,
                "points": each.points,
            }
            for each in findings
        ],
    }


def _lines(path: Path, findings: tuple[Finding, ...], score: SpamScore) -> Iterator[str]:
    for each in findings:
        yield f"{_MARKS[each.level]}  {each.code:<26} {each.field}: {each.message}"
        if each.detail:
            yield f"       {'':<26} {each.detail}"
    blockers = sum(each.level == "blocker" for each in findings)
    yield (
        f"{path}: {blockers} to mend, {len(findings) - blockers} to look at;"
        f" spam score {score.points:g} of {score.likely:g}: {score.judgement}"
    )

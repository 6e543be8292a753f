"""``postmaster feedback classify``: the class of each reply, one JSON object per line in and out."""

import json
from collections.abc import Iterator
from typing import IO, Final

import click

from angarium.cli.exit import EX_OK
from angarium.feedback.classes import BounceClass, Verdict, verdict_of
from angarium.feedback.classifier import classify as verdict_on

# Ours: a line is in memory whole; no reply comes near
MAX_LINE_OCTETS: Final = 4 * 1024 * 1024


@click.command(
    help="Say what replies mean. FILE (-: standard input) has one JSON object per line, with"
    ' "reply" (whole, with its codes) and "provider"; so has the answer, with "class", "effect" and "hard".'
)
@click.argument("file", type=click.File("rb"), default="-")
def classify(file: IO[bytes]) -> int:
    for number, line in enumerate(_lines(file), start=1):
        click.echo(json.dumps(_answer(number, line)))  # echo flushes
    return EX_OK


def _lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """Yield each line; None for one that is too long."""
    while line := file.readline(MAX_LINE_OCTETS):
        is_whole = line.endswith(b"\n") or len(line) < MAX_LINE_OCTETS
        yield line if is_whole else None
        while not is_whole and (rest := file.readline(MAX_LINE_OCTETS)):
            is_whole = rest.endswith(b"\n")


def _answer(number: int, line: bytes | None) -> dict[str, str | bool]:
    unread = verdict_of(BounceClass.UNDETERMINED)
    if line is None:
        return {**_row(unread), "error": f"line {number}: longer than {MAX_LINE_OCTETS} octets"}
    try:
        # Not by msgspec, which refuses half of a surrogate pair: so Python writes octets that are no text
        asked = json.loads(line.decode(errors="replace"))
        reply, provider = asked["reply"], asked.get("provider") or ""
        if not isinstance(reply, str) or not isinstance(provider, str):
            raise TypeError
    except json.JSONDecodeError as error:
        return {**_row(unread), "error": f"line {number}: no JSON: {error}"}
    except (KeyError, TypeError, AttributeError, RecursionError):
        wanted = '{"reply": "550 ...", "provider": "gmail"}'
        return {**_row(unread), "error": f"line {number}: is not like {wanted}"}
    return _row(verdict_on(reply, provider))


def _row(verdict: Verdict) -> dict[str, str | bool]:
    return {
        "class": verdict.bounce_class.value,
        "effect": verdict.effect.value,
        "hard": verdict.hard,
    }

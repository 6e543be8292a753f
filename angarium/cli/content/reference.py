"""Writes docs/findings.md from the rules: ``python -m angarium.cli.content.reference docs/findings.md``."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from angarium.content.checking.checking import OF_MAIL, PARTS
from angarium.content.checking.client_support import CSS, TAGS
from angarium.content.checking.rule import Rule
from angarium.content.checking.spam_score import LIKELY

_HEAD: Final = f"""# What can be wrong with a mail

Each finding of `POST /v1/check`, `postmaster content check` and the [checks while mail is
sent](content.md#while-mail-is-sent), by the part of a mail that it is about. Made from the code; codes keep their
meaning.

*level*: a **blocker** should be mended before the mail is sent, a hint makes it better; where bulk mail (streams whose
mail says how to leave) is judged otherwise, that stands behind the stroke. *points*: of the spam score; {LIKELY:g} are
likely taken for spam. Each rule counts once. Codes with a star are not known of a mail alone: they cannot be asked for
while mail is sent.
"""


def render() -> str:
    return "\n".join([_HEAD, *_parts(), *_support()])


def _parts() -> Iterator[str]:
    for part in PARTS:
        yield f"## {part.title}\n"
        yield "| code | level | points | what is wrong, and what to do | why |"
        yield "|---|---|---|---|---|"
        for rule in part.rules:
            star = "" if rule.code in OF_MAIL else " *"
            points = f"{rule.points:g}" if rule.points else ""
            words = _escaped(f"{_sentence(rule.wrong)} {_sentence(rule.remedy)}")
            yield f"| `{rule.code}`{star} | {_level(rule)} | {points} | {words} | {_escaped(rule.reason)} |"
        yield ""


def _support() -> Iterator[str]:
    yield "## What programs leave out\n"
    yield "| element or style | not shown by |"
    yield "|---|---|"
    for each in (*TAGS.values(), *CSS.values()):
        yield f"| {_escaped(each.what)} | {each.clients} |"
    yield ""


def _level(rule: Rule) -> str:
    usual = f"**{rule.level}**" if rule.level == "blocker" else rule.level
    if rule.in_bulk in (None, rule.level):
        return usual
    return f"{usual} / **{rule.in_bulk}**"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")

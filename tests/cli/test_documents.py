"""Each command that a document names is one that there is, with the options that it names."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from angarium.cli.main import postmaster

TOP = Path(__file__).parents[2]
DOCUMENTS = sorted([*TOP.glob("*.md"), *(TOP / "docs").glob("*.md")])
# In backticks, or in a block of its own up to the comment
_NAMED = re.compile(r"`postmaster ([^`]+)`|^    (?:\S*/)?postmaster ([^#|&;\n]+)", re.MULTILINE)


def named() -> Iterator[tuple[str, str]]:
    for path in DOCUMENTS:
        for found in _NAMED.finditer(path.read_text(encoding="utf-8")):
            command = (found[1] or found[2]).split(" > ")[0]
            yield path.name, " ".join(command.split())


def wrong_with(command: str) -> str:
    words = shlex.split(command.replace("...", ""))
    at: click.Command = postmaster
    while words and isinstance(at, click.Group):
        inner = at.get_command(click.Context(at), words[0])
        if inner is None:
            break
        at, words = inner, words[1:]
    if at is postmaster or (
        isinstance(at, click.Group) and words and re.fullmatch(r"[a-z-]+", words[0])
    ):
        return "no such command"
    known = {option for each in at.params for option in (*each.opts, *each.secondary_opts)}
    unknown = [
        word for word in words if word.startswith("--") and word.partition("=")[0] not in known
    ]
    return f"no such option: {', '.join(unknown)}" if unknown else ""


def test_documents_name_commands() -> None:
    assert len(list(named())) > 100


@pytest.mark.parametrize(("document", "command"), sorted(set(named())))
def test_a_command_that_a_document_names_is_there(document: str, command: str) -> None:
    assert wrong_with(command) == "", f"{document}: postmaster {command}"


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("log --provider gmail", ""),
        ("log --no-such x", "no such option: --no-such"),
        ("loog", "no such command"),
        ("warmup shove", "no such command"),
    ],
)
def test_what_is_not_there_is_found(command: str, wrong: str) -> None:
    assert wrong_with(command) == wrong

"""Writes the man pages: one for ``postmaster`` and one for each command below it, of what they say to ``--help``.

``python -m angarium.cli.manual docs/man``
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from angarium.cli.main import postmaster
from angarium.cli.reference import contexts, root_context

SECTION: Final = 8  # man-pages(7): commands of the system's administrator
_SEE_ALSO: Final = "docs/operations.md, docs/configuration.md and docs/cli.md of Angarium"


def pages() -> Iterator[tuple[str, str]]:
    """Yield each page's file name and its text (man(7))."""
    for context in contexts(root_context(postmaster, "postmaster")):
        name = context.command_path.replace(" ", "-")
        yield f"{name}.{SECTION}", _page(context, name)


def _page(context: click.Context, name: str) -> str:
    command = context.command
    parts = [
        f'.TH "{name.upper()}" "{SECTION}" "" "Angarium" "Angarium"',
        ".SH NAME",
        f"{_escaped(name)} \\- {_escaped(command.get_short_help_str(limit=100))}",
        ".SH SYNOPSIS",
        f"\\fB{_escaped(context.command_path)}\\fR {_escaped(_usage(context))}",
        ".SH DESCRIPTION",
        *_paragraphs(command.help or ""),
    ]
    options = [each.get_help_record(context) for each in command.get_params(context)]
    if told := [each for each in options if each is not None]:
        parts.append(".SH OPTIONS")
        for option, text in told:
            parts += [".TP", f"\\fB{_escaped(option)}\\fR", *_paragraphs(text)]
    if isinstance(command, click.Group):
        parts.append(".SH COMMANDS")
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None  # the group listed it
            parts += [".TP", f"\\fB{_escaped(each)}\\fR", _escaped(found.get_short_help_str(200))]
    parts += [
        ".SH EXIT STATUS",
        "0, or a code of sysexits.h: 64 command line, 65 bad data, 66 no such input, 69 something is not available,",
        "70 a fault of ours, 73 a file cannot be made, 74 input or output, 75 try again later, 77 permission,",
        "78 configuration.",
        ".SH SEE ALSO",
        _escaped(_SEE_ALSO),
    ]
    return "\n".join(parts) + "\n"


def _usage(context: click.Context) -> str:
    return " ".join(context.command.collect_usage_pieces(context))


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield _escaped(" ".join(paragraph.split()))


def _escaped(text: str) -> str:
    """So that nothing is taken as a request or an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob(f"*.{SECTION}"):
        old.unlink()
    for file_name, page in pages():
        (directory / file_name).write_text(page, encoding="utf-8")

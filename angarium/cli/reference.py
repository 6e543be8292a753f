"""Writes docs/cli.md: what ``postmaster`` and each of its commands say to ``--help``.

``python -m angarium.cli.reference docs/cli.md``
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from angarium.cli.main import postmaster

WIDTH: Final = 100  # of the help's lines, whatever the terminal of who makes the document

_HEADER: Final = """# The `postmaster` command

What each command says to `--help`. All find the configuration by `--config FILE`, else `$ANGARIUM_CONFIG`, else
`/etc/angarium/angarium.toml`; from a checkout the command is `bin/postmaster`.

Exit codes are those of sysexits.h: 0 done, 64 command line, 65 bad data, 66 no such input, 69 something is not
available, 70 a fault of ours, 73 a file cannot be made, 74 input or output, 75 try again later, 77 permission,
78 configuration.
"""


def render() -> str:
    """Return the document."""
    parts = [_HEADER]
    for context in contexts(root_context(postmaster, "postmaster")):
        help_text = context.command.get_help(context)
        parts.append(f"## `{context.command_path}`\n\n```\n{help_text}\n```\n")
    return "\n".join(parts)


def root_context(command: click.Command, name: str) -> click.Context:
    return _context(command, name, None)


def contexts(context: click.Context) -> Iterator[click.Context]:
    """Yield the command's context and those of the commands below it, in the order of its help."""
    yield context
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None  # the group listed it
        yield from contexts(_context(command, name, context))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    settings = {**command.context_settings, "terminal_width": WIDTH}
    return click.Context(command, parent=parent, info_name=name, **settings)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")

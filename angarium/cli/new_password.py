"""How a password is given to a command: typed twice, or on the first line of stdin; never as an argument."""

import sys

import click

from angarium.access.credential_file import MAX_PASSWORD_OCTETS
from angarium.cli.exit import EX_DATAERR, CommandError

password_stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of stdin."
)


def new_password(from_stdin: bool) -> str:
    """Whether it is good enough, its owner says."""
    if not from_stdin:
        text: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return text
    octets = sys.stdin.buffer.readline(MAX_PASSWORD_OCTETS + 3)
    try:
        return octets.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise CommandError("the password is not UTF-8", EX_DATAERR) from None

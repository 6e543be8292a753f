"""The audit entry of an act whose effect is not in the platform's database: on the queue, on files, on a process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from angarium.cli.exit import CommandError

_NAMED: Final = 20  # ours


def note_all(
    config_file: Path, action: str, subjects: Sequence[str], what: str, **details: str
) -> None:
    """Leave one entry of an act on several: it counts them, and names the first of them. ``what``: one of them is.

    ``subjects`` none: nothing was done.
    """
    names = list(dict.fromkeys(subjects))
    if not names:
        return
    if len(names) == 1:
        note_act(config_file, action, names[0], **details)
        return
    named = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    note_act(config_file, action, f"{len(names)} {what}", named=named, **details)


def note_act(
    config_file: Path, action: str, subject: str, *, tenant: str = "", **details: str
) -> None:
    """Leave it, once the act is done. That cannot be undone any more: where no entry can be written, who acts is told.

    ``details`` that are "" are left out.
    """
    # Imported where something was done: SQLAlchemy takes a third of a second
    from angarium.cli.platform_access import using_platform

    try:
        with using_platform(config_file) as (platform, _):
            told = {name: value for name, value in details.items() if value}
            platform.audit.note(action, tenant, subject, **told)
    except CommandError as error:
        text = f"postmaster: done, but the audit has no entry of it ({action} {subject}): {error}"
        click.echo(text, err=True)

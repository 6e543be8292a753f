"""The audit entry of an act whose effect is not in the platform's database: on the queue, on files, on a process."""

from pathlib import Path

import click

from angarium.cli.exit import CommandError


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

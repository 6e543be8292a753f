"""Options that several commands of templates have."""

from pathlib import Path
from typing import Any

import click
import msgspec

from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, CommandError
from angarium.queue.model import DEFAULT_TENANT

tenant_option = click.option(
    "--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose template it is."
)
name_argument = click.argument("name", metavar="NAME")
folder_argument = click.argument(
    "folder", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False)
)
version_option = click.option(
    "--version",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    help="This version instead of the published one; of a template that has none, the newest is meant.",
)
data_option = click.option(
    "--data",
    "data_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file with a JSON object that it is filled with; omitted: the version's own sample.",
)
locale_option = click.option("--locale", default="", help="A language tag, as pt-BR.")


def read_data(file: Path | None) -> dict[str, Any] | None:
    """Raises CommandError."""
    if file is None:
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", EX_NOINPUT) from None
    except msgspec.DecodeError as error:
        raise CommandError(f"{file}: {error}", EX_DATAERR) from None

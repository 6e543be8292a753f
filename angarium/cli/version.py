"""``postmaster version``."""

import json
import platform
from importlib import metadata

import click

from angarium import __version__

_LIBRARIES = ("aiohttp", "cryptography", "dnspython", "lmdb", "msgspec", "uvloop")


@click.command(help="Print the versions in use.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def version(as_json: bool) -> None:
    libraries = {name: metadata.version(name) for name in _LIBRARIES}
    if as_json:
        found = {"angarium": __version__, "python": platform.python_version(), **libraries}
        click.echo(json.dumps(found))
        return
    click.echo(f"Angarium {__version__} (Python {platform.python_version()})")
    click.echo(", ".join(f"{name} {number}" for name, number in libraries.items()))

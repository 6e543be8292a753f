"""What goes where, for a command: asked of all processes of the running server."""

from pathlib import Path

import click

from angarium.cli.asking import find_running, refusal_error
from angarium.cli.config_option import load_for_queue
from angarium.config.schema import Config, Provider
from angarium.insight.admin.gathering import Gathered, gather_traffic
from angarium.routing.resolution import SiteName
from angarium.routing.routing import Routing


def gather(config_file: Path) -> tuple[Config, Gathered]:
    """Who does not answer is named on stderr. Raises CommandError when no server runs, or it must not be asked."""
    config = load_for_queue(config_file)
    return config, gather_again(config)


def gather_again(config: Config, *, quiet: bool = False) -> Gathered:
    """``quiet``: whoever draws a screen says itself who does not answer."""
    data_dir = Path(config.server.data_dir)
    found = gather_traffic(data_dir, find_running(data_dir, "delivery", "platform"))
    for refused in found.unheard:
        if refused.reason in ("forbidden", "version"):
            raise refusal_error(refused)
        if not quiet:
            click.echo(f"postmaster: {refused.text}", err=True)
    return found


def provider_of(config: Config, name: str) -> Provider:
    """Return its limits; of a name that nothing knows, those of a site that is called so."""
    return Routing.of(config).limits_of(name, SiteName(name))

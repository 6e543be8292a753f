"""``postmaster serve``."""

from pathlib import Path

import click

from angarium.cli.config_option import config_option


@click.command(help="Run the server until it is told to stop (SIGTERM drains, SIGHUP reloads).")
@config_option
@click.option("--single", is_flag=True, help="All roles in one process: for small machines.")
def serve(config_file: Path, single: bool) -> int:
    from angarium.service.serve import serve as run

    return run(config_file, single=single)

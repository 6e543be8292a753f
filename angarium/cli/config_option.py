"""Which configuration a command uses: its own --config, the one before the command, $ANGARIUM_CONFIG, the default;
and what it takes of one that has mistakes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from angarium.cli.main import DEFAULT_CONFIG
from angarium.config.error import ConfigError
from angarium.config.lenient import load_leniently
from angarium.config.schema import Config


def _chosen(ctx: click.Context, _: click.Parameter, value: Path | None) -> Path:
    root = ctx.find_root().obj
    if value is not None:
        return value
    if isinstance(root, Path):
        return root
    return Path(os.environ.get("ANGARIUM_CONFIG") or DEFAULT_CONFIG)


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--config FILE``; the command gets ``config_file: Path``."""
    return click.option(
        "--config",
        "-c",
        "config_file",
        type=click.Path(path_type=Path, readable=False),  # the loader says what is wrong with it
        callback=_chosen,
        help=f"The configuration (default: $ANGARIUM_CONFIG, {DEFAULT_CONFIG}).",
    )(command)


def load_for_queue(config_file: Path) -> Config:
    """Return what is right of a configuration, for commands that need to find a running server or its queue.

    What is wrong with it is said on stderr: the server may run on the one of before. Raises ConfigError when the
    data directory cannot be told.
    """
    found = load_leniently(config_file)
    if found.config is None:
        raise ConfigError(str(config_file), found.faults)
    if found.faults:
        data_dir = found.config.server.data_dir
        more = f" (and {len(found.faults) - 1} more)" if len(found.faults) > 1 else ""
        click.echo(f"postmaster: {found.faults[0]}{more}", err=True)
        click.echo(f"postmaster: going on with the data directory {data_dir}", err=True)
    return found.config

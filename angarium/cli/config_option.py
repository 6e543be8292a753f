"""Which configuration a command uses: its own --config, the one before the command, $ANGARIUM_CONFIG, the default."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from angarium.cli.main import DEFAULT_CONFIG


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

"""What the lake's commands share: the configuration, and whose files these are."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from angarium.cli.config_option import load_for_queue
from angarium.cli.exit import EX_CANTCREAT, EX_CONFIG, EX_DATAERR, EX_IOERR, CommandError
from angarium.config.error import ConfigError
from angarium.config.schema import Config
from angarium.host.owner import acting_as_owner
from angarium.lake.folder import Folder, lake_folder
from angarium.lake.model import LakeAwayError
from angarium.lake.stretch import StretchError, read_stretch
from angarium.queue.wall_clock import wall_clock


def stretch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--from`` and ``--to``."""
    command = click.option("--to", default="", help="The same; to the end of that day or hour.")(
        command
    )
    return click.option(
        "--from",
        "first",
        default="",
        help="2026-07-01, or 2026-07-01T10:00:00Z. Usually all that is kept.",
    )(command)


@contextmanager
def making(folder: Folder, suffix: str) -> Iterator[Path]:
    """Yield the name of a file that the lake's owner makes, in a folder for it alone; gone after the block."""
    place = folder.unfinished()
    try:
        place.mkdir(mode=0o700)
    except OSError as error:
        raise CommandError(f"{place}: {error.strerror}", EX_IOERR) from None
    try:
        yield place / f"made{suffix}"
    finally:
        shutil.rmtree(place, ignore_errors=True)


def hand_over(made: BinaryIO, target: Path) -> int:
    """Copy it to where it is wanted, as who runs the command; it has its name once it is whole. Returns its octets.

    Raises CommandError.
    """
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with unfinished.open("xb") as file:
            shutil.copyfileobj(made, file)
            octets = file.tell()
        unfinished.replace(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise CommandError(f"{target}: {error.strerror}", EX_CANTCREAT) from None
    return octets


def hours_of(first: str, to: str) -> tuple[int | None, int | None]:
    """Raises CommandError."""
    try:
        return read_stretch(first, to, wall_clock())
    except StretchError as error:
        raise CommandError(f"--{error}", EX_DATAERR) from None


@contextmanager
def using_lake(config_file: Path) -> Iterator[tuple[Config, Folder]]:
    """As the lake's owner. Raises CommandError: there is none, or it cannot be used."""
    try:
        config = load_for_queue(config_file)
    except ConfigError as error:
        raise CommandError(str(error), EX_CONFIG) from None
    folder = Folder(lake_folder(config))
    if not folder.has_catalogue:
        text = f"{folder.path}: no lake is there, or it is not for you to read"
        if not config.lake.enabled:
            text += "; [lake] enabled is false"
        raise CommandError(text, EX_IOERR)
    try:
        with acting_as_owner(folder.path):
            yield config, folder
    except LakeAwayError as error:
        raise CommandError(str(error), EX_IOERR) from None

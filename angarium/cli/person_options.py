"""Of which person a command is, and how it reaches what is stored of them."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from angarium.cli.config_option import load_for_queue
from angarium.cli.exit import EX_IOERR, EX_USAGE, CommandError
from angarium.cli.platform_access import actor_name, using_platform
from angarium.cli.queue.file import queue_errors
from angarium.config.schema import Config
from angarium.personal_data.desk import PersonDesk
from angarium.personal_data.opening import Stores, opened_stores
from angarium.personal_data.store import StoreAwayError
from angarium.queue.suppression_key import check_email
from angarium.queue.wall_clock import wall_clock
from angarium.tenancy.platform import Platform


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    stores: Stores
    platform: Platform
    config: Config

    def desk(self, tenant: str | None) -> PersonDesk:
        return PersonDesk(
            self.config,
            self.stores,
            self.platform,
            wall_clock,
            tenant=tenant,
            actor=actor_name(),
        )


def read_address(text: str) -> str:
    """Return it, from standard input if it is -, so that no list of processes shows it. Raises CommandError."""
    address = sys.stdin.readline().strip() if text == "-" else text
    try:
        return check_email(address)
    except ValueError as error:
        raise CommandError(f"--address: {error}", EX_USAGE) from None


@contextlib.contextmanager
def reached_stores(config_file: Path, tenant: str | None) -> Iterator[Reached]:
    """Give all stores, with or without a running server. Raises CommandError."""
    config = load_for_queue(config_file)
    with using_platform(config_file) as (platform, _):
        if tenant is not None:
            platform.tenants.find(tenant)
        try:
            with queue_errors(), opened_stores(config, platform, wall_clock) as stores:
                yield Reached(stores=stores, platform=platform, config=config)
        except StoreAwayError as error:
            text = f"{error}; what was done until then stays: try again"
            raise CommandError(text, EX_IOERR) from None


def person_options(command: click.Command) -> click.Command:
    command.params += [
        click.Option(
            ["--address"],
            required=True,
            metavar="ADDRESS",
            help="Of whom: user@domain; - reads it from standard input.",
        ),
        click.Option(["--tenant"], help="Only what is this tenant's; else all."),
    ]
    return command

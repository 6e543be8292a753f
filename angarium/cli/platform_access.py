"""How commands reach the platform's database, with or without a running server, and what they print of it."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from angarium.cli.config_option import load_for_queue
from angarium.cli.exit import EX_CONFIG, EX_DATAERR, EX_IOERR, EX_NOINPUT, CommandError
from angarium.config.error import ConfigError
from angarium.config.schema import Config
from angarium.host.identity import Identity, find_identity
from angarium.host.owner import acting_as_owner
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339
from angarium.tenancy.model import NotFoundError, TenancyError, TenancySetupError
from angarium.tenancy.platform import Platform
from angarium.tenancy.secret_file import make_secret_file, secret_path

json_option = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@contextmanager
def using_platform(config_file: Path) -> Iterator[tuple[Platform, Config]]:
    """Give the platform that the configuration names. What was changed is in force when the block has ended."""
    try:
        config = load_for_queue(config_file)
    except ConfigError as error:
        raise CommandError(str(error), EX_CONFIG) from None
    data_dir = Path(config.server.data_dir)
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_secret_file(secret_path(config), _server_identity(config, data_dir))
        with acting_as_owner(data_dir), Platform.open(config, actor=actor_name()) as platform:
            before = platform.version()
            yield platform, config
            if platform.version() != before:
                platform.publish()
    except NotFoundError as error:
        raise CommandError(str(error), EX_NOINPUT) from None
    except TenancyError as error:
        raise CommandError(str(error), EX_DATAERR) from None
    except TenancySetupError as error:
        raise CommandError(str(error), EX_IOERR) from None
    except OSError as error:
        raise CommandError(f"{data_dir}: {error.strerror}", EX_IOERR) from None


def print_json(value: object) -> None:
    click.echo(msgspec.json.encode(value))


def time_text(at: UnixMs | None) -> str | None:
    return None if at is None else rfc3339(at)


def _server_identity(config: Config, data_dir: Path) -> Identity | None:
    """Whom root gives the secret to: the user that the server becomes, or that its directory belongs to."""
    found = find_identity(config.server)
    owner = data_dir.stat()
    if found is None and os.geteuid() == 0 and owner.st_uid != 0:
        return Identity(uid=owner.st_uid, gid=owner.st_gid, groups=())
    return found


def actor_name() -> str:
    """Who gave the command, for audit entries."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    return f"{name} (command line)"

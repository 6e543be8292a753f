"""``postmaster user``: who may log in to submit mail, and as whom. Changes the file; a running server sees it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import click
import msgspec

from angarium.access.credential_file import (
    ANY_STREAM,
    CredentialError,
    CredentialFileError,
    User,
    UserStreams,
    add_user,
    check_name,
    check_new_name,
    check_password,
    check_senders,
    check_streams,
    check_tenant,
    credential_path,
    find_user,
    list_users,
    remove_user,
    set_password,
    set_rights,
)
from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_CONFIG, EX_DATAERR, EX_IOERR, EX_NOINPUT, EX_USAGE, CommandError
from angarium.cli.new_password import new_password, password_stdin_option
from angarium.config.error import ConfigError
from angarium.config.schema import Config
from angarium.config.streams import streams_by_name
from angarium.host.owner import acting_as_owner
from angarium.queue.model import DEFAULT_TENANT

T = TypeVar("T")
_PASSWORD_STDIN: Final = password_stdin_option


_STREAM: Final = click.option(
    "--stream",
    metavar="NAME",
    help="What its mail is, as [[stream]] has it; without one, or '', it may choose any by X-Angarium-Stream.",
)
_OTHER_STREAMS: Final = click.option(
    "--other-stream",
    "other_streams",
    multiple=True,
    metavar="NAME",
    help="A stream that it may choose instead, or * for any. Repeat for more.",
)


@click.group()
def user() -> None:
    """Who may log in to submit mail, and which sender addresses they may use."""


@user.command()
@click.argument("name")
@click.option(
    "--senders",
    multiple=True,
    required=True,
    metavar="PATTERN",
    help="Whom the user may send as: user@domain, @domain, @*.domain for all below it, or * for anyone."
    " Repeat for more.",
)
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose mail it is.")
@_STREAM
@_OTHER_STREAMS
@_PASSWORD_STDIN
@config_option
def add(
    name: str,
    senders: tuple[str, ...],
    tenant: str,
    stream: str | None,
    other_streams: tuple[str, ...],
    password_stdin: bool,
    config_file: Path,
) -> None:
    """Add user NAME."""
    config = _config(config_file)
    path = credential_path(config.server.data_dir)
    streams = UserStreams(stream=stream or "", others=other_streams)
    _checked(lambda: (check_name(name), check_tenant(tenant), check_senders(senders)))
    _check_streams(streams, config)
    names = [each.name for each in _done(path, lambda: list_users(path))]
    try:
        check_new_name(names, name)
    except CredentialError as error:
        raise CommandError(str(error), EX_DATAERR) from None
    password = _new_password(password_stdin)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    _done(
        path,
        lambda: add_user(
            path,
            name,
            password,
            senders=senders,
            created=created,
            tenant=tenant,
            streams=streams,
        ),
    )
    told = " ".join(senders)
    note_act(config_file, "user.added", name, tenant=tenant, senders=told)
    click.echo(f"Added {name}: may send as {', '.join(senders)}.")


@user.command()
@click.argument("name")
@_PASSWORD_STDIN
@config_option
def passwd(name: str, password_stdin: bool, config_file: Path) -> None:
    """Set the password of user NAME. The old one stops working at once; sessions that it opened end."""
    path = _path(config_file)
    _done(path, lambda: find_user(path, name))
    password = _new_password(password_stdin)
    _done(path, lambda: set_password(path, name, password))
    note_act(config_file, "user.password_changed", name)
    click.echo(f"Changed the password of {name}.")


@user.command("set")
@click.argument("name")
@click.option(
    "--senders",
    multiple=True,
    metavar="PATTERN",
    help="Whom the user may send as, instead of all patterns of before. Repeat for more.",
)
@click.option("--tenant", help="Whose mail it is.")
@_STREAM
@_OTHER_STREAMS
@config_option
def set_(
    name: str,
    senders: tuple[str, ...],
    tenant: str | None,
    stream: str | None,
    other_streams: tuple[str, ...],
    config_file: Path,
) -> None:
    """Change the senders, the tenant or the streams of user NAME. The streams are changed all together.

    Holds for the next log-in at once; sessions that are open end, as after a new password. Mail that was accepted
    before keeps its tenant.
    """
    if not senders and tenant is None and stream is None:
        if other_streams:
            raise CommandError("give --stream beside --other-stream", EX_USAGE)
        raise CommandError("give --senders, --tenant or --stream: what is to change?", EX_USAGE)
    if other_streams and stream is None:
        raise CommandError("give --stream beside --other-stream", EX_USAGE)
    config = _config(config_file)
    path = credential_path(config.server.data_dir)
    streams = None if stream is None else UserStreams(stream=stream, others=other_streams)
    if streams is not None:
        _check_streams(streams, config)
    _checked(lambda: (senders and check_senders(senders), tenant is None or check_tenant(tenant)))
    now = _done(
        path,
        lambda: set_rights(path, name, senders=senders or None, tenant=tenant, streams=streams),
    )
    by = f", {_streams_text(now)}" if now.stream else ""
    told = " ".join(now.senders)
    note_act(config_file, "user.changed", name, tenant=now.tenant, senders=told)
    click.echo(f"Changed {name}: may send as {', '.join(now.senders)}, tenant {now.tenant}{by}.")


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, without hashes.")
@config_option
def list_(as_json: bool, config_file: Path) -> None:
    """List the users."""
    path = _path(config_file)
    users = _done(path, lambda: list_users(path))
    if as_json:
        for each in users:
            click.echo(msgspec.json.encode(_shown(each)))
        return
    if not users:
        click.echo("No users.")
        return
    width = max(len(each.name) for each in users)
    for each in users:
        by = f"  {_streams_text(each)}" if each.stream else ""
        senders = ", ".join(each.senders)
        click.echo(f"{each.name:{width}}  {each.tenant}  {each.created}  {senders}{by}")


@user.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@config_option
def remove(name: str, dry_run: bool, config_file: Path) -> None:
    """Remove user NAME. Logins and open sessions end at once; mail that was accepted is still delivered."""
    path = _path(config_file)
    found = _done(path, lambda: find_user(path, name))
    if dry_run:
        click.echo(f"Would remove {name} (may send as {', '.join(found.senders)}).")
        return
    _done(path, lambda: remove_user(path, name))
    note_act(config_file, "user.removed", name, tenant=found.tenant)
    click.echo(f"Removed {name}.")


def _shown(each: User) -> dict[str, object]:
    return {
        "name": each.name,
        "tenant": each.tenant,
        "senders": each.senders,
        "created": each.created,
        **({"stream": each.stream, "other_streams": each.other_streams} if each.stream else {}),
    }


def _streams_text(each: User) -> str:
    others = f" (or {', '.join(each.other_streams)})" if each.other_streams else ""
    return f"stream {each.stream}{others}"


def _check_streams(streams: UserStreams, config: Config) -> None:
    _checked(lambda: check_streams(streams))
    known = streams_by_name(config.stream)
    for name in (streams.stream, *streams.others):
        if name not in ("", ANY_STREAM, *known):
            text = f"no stream is called {name!r}; there are {', '.join(sorted(known))}"
            raise CommandError(text, EX_USAGE)


def _path(config_file: Path) -> Path:
    return credential_path(_config(config_file).server.data_dir)


def _config(config_file: Path) -> Config:
    try:
        return load_for_queue(config_file)
    except ConfigError as error:
        raise CommandError(str(error), EX_CONFIG) from None


def _new_password(from_stdin: bool) -> str:
    password = new_password(from_stdin)
    _checked(lambda: check_password(password))
    return password


def _checked(check: Callable[[], object]) -> None:
    """What was typed is wrong: EX_USAGE."""
    try:
        check()
    except CredentialError as error:
        raise CommandError(str(error), EX_USAGE) from None


def _done(path: Path, change: Callable[[], T]) -> T:
    try:
        with acting_as_owner(path.parent):
            return change()
    except CredentialFileError as error:
        raise CommandError(str(error), EX_IOERR) from None
    except CredentialError as error:
        raise CommandError(str(error), EX_NOINPUT) from None

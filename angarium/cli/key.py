"""``postmaster key``: what programs authenticate with. A running server sees each change at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from angarium.cli.config_option import config_option
from angarium.cli.duration import Duration
from angarium.cli.exit import EX_USAGE, CommandError
from angarium.cli.platform_access import json_option, print_json, time_text, using_platform
from angarium.config.schema import Role
from angarium.queue.model import DEFAULT_TENANT
from angarium.tenancy.key_text import key_prefix, ses_access_key_id
from angarium.tenancy.keys import KeyWish, NewKey
from angarium.tenancy.model import DEFAULT_RATE, KEY_KINDS, Key, KeyKind
from angarium.tenancy.scopes import ROLES

_OVERLAP: Final = "1d"


@click.group()
def key() -> None:
    """Keys: what programs send with. A key is shown once, when it is made."""


@key.command()
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose it is.")
@click.option(
    "--kind",
    type=click.Choice(KEY_KINDS),
    default="api",
    show_default=True,
    help="api: of the HTTP API; smtp: of submission listeners; ses: of the SES dialect, which signs requests.",
)
@click.option("--name", default="", help="What it is for.")
@click.option(
    "--scopes",
    metavar="A,B",
    help="What it may do, as emails:send,events:read; omitted: all that is the tenant's (smtp: emails:send).",
)
@click.option("--role", type=click.Choice(list(ROLES)), help="The scopes of a role instead.")
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="NETWORK",
    help="From where it may be used, as 192.0.2.0/24; omitted: from anywhere. Repeat for more.",
)
@click.option(
    "--rate",
    type=int,
    default=DEFAULT_RATE,
    show_default=True,
    help="How many messages or requests per second.",
)
@click.option(
    "--certificate",
    "certificates",
    multiple=True,
    metavar="NAME",
    help="A client's certificate that stands for it, as dns:app.example.com, uri:..., email:... or"
    " sha256:FINGERPRINT, at listeners with client_ca. Repeat for more.",
)
@click.option(
    "--expires-in", type=Duration(), help="It ends after so long, as 90d; omitted: never."
)
@json_option
@config_option
def create(
    tenant: str,
    kind: KeyKind,
    name: str,
    scopes: str | None,
    role: Role | None,
    networks: Sequence[str],
    rate: int,
    certificates: Sequence[str],
    expires_in: int | None,
    as_json: bool,
    config_file: Path,
) -> None:
    """Create a key, and print it: it is shown this once, and kept nowhere."""
    if scopes is not None and role is not None:
        raise CommandError("give --scopes or --role, one of them", EX_USAGE)
    words: Sequence[str] = ROLES[role] if role is not None else ()
    if scopes is not None:
        words = scopes.split(",")
    wish = KeyWish(
        tenant=tenant,
        kind=kind,
        name=name,
        scopes=words,
        networks=networks,
        rate=rate,
        lifetime_ms=expires_in,
        certificates=certificates,
    )
    with using_platform(config_file) as (platform, _):
        made = platform.keys.create(wish)
    _print_new(made, as_json)


@key.command("list")
@click.option("--tenant", help="Only those of this tenant.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(tenant: str | None, as_json: bool, config_file: Path) -> None:
    """List the keys, by what may be shown of them."""
    with using_platform(config_file) as (platform, _):
        keys = platform.keys.list(tenant)
    if as_json:
        for each in keys:
            print_json(_row(each))
        return
    if not keys:
        click.echo("No keys.")
    for each in keys:
        label = f"  {each.name}" if each.name else ""
        state = "  revoked" if each.revoked is not None else ""
        click.echo(f"{_prefix(each)}  {each.tenant}  {', '.join(each.scopes)}{label}{state}")


@key.command()
@click.argument("key_id", metavar="ID")
@json_option
@config_option
def show(key_id: str, as_json: bool, config_file: Path) -> None:
    """Show key ID: what it may do, from where, and until when."""
    with using_platform(config_file) as (platform, _):
        found = platform.keys.find(key_id)
    if as_json:
        print_json(_row(found))
        return
    for name, value in _row(found).items():
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
        if shown not in (None, ""):
            click.echo(f"{name + ':':10} {shown}")


@key.command()
@click.argument("key_id", metavar="ID")
@click.argument("certificates", metavar="[NAME]...", nargs=-1)
@json_option
@config_option
def bind(key_id: str, certificates: Sequence[str], as_json: bool, config_file: Path) -> None:
    """Have certificates of clients, as dns:app.example.com, stand for key ID: these, and no others; none: it is needed
    itself again.
    """
    with using_platform(config_file) as (platform, _):
        found = platform.keys.bind(key_id, certificates)
    if as_json:
        print_json(_row(found))
        return
    click.echo(f"{', '.join(found.certificates) or 'No certificate'} may be shown for {found.id}.")


@key.command()
@click.argument("key_id", metavar="ID")
@json_option
@config_option
def revoke(key_id: str, as_json: bool, config_file: Path) -> None:
    """Refuse key ID from now on, for good; sessions that it opened end."""
    with using_platform(config_file) as (platform, _):
        found = platform.keys.revoke(key_id)
    if as_json:
        print_json(_row(found))
        return
    click.echo(f"Revoked {found.id}.")


@key.command()
@click.argument("key_id", metavar="ID")
@click.option(
    "--overlap",
    type=Duration(),
    default=_OVERLAP,
    show_default=True,
    help="How long the secret of before stays valid.",
)
@json_option
@config_option
def rotate(key_id: str, overlap: int, as_json: bool, config_file: Path) -> None:
    """Give key ID another secret, and print it; the one of before is valid for a while, so that programs can change."""
    with using_platform(config_file) as (platform, _):
        made = platform.keys.rotate(key_id, overlap)
    _print_new(made, as_json)


def _print_new(made: NewKey, as_json: bool) -> None:
    each = made.key
    if each.kind == "ses":
        # As AWS's programs call them
        found = {"id": each.id, "accessKeyId": made.access_key_id, "secretAccessKey": made.text}
    else:
        found = {"id": each.id, "prefix": _prefix(each), "key": made.text}
    if as_json:
        print_json(found)
        return
    if each.kind == "smtp":
        found = {"user name": each.id, "password": made.text}
    click.echo("It is shown this once:\n")
    for name, value in found.items():
        click.echo(f"{name + ':':16} {value}")


def _prefix(each: Key) -> str:
    return ses_access_key_id(each.id) if each.kind == "ses" else key_prefix(each.kind, each.id)


def _row(each: Key) -> dict[str, object]:
    return {
        "id": each.id,
        "prefix": _prefix(each),
        "kind": each.kind,
        "tenant": each.tenant,
        "name": each.name,
        "scopes": each.scopes,
        "networks": each.networks,
        "rate": each.rate,
        "certificates": each.certificates,
        "version": each.secrets[-1].version,
        "created": time_text(each.created),
        "expires": time_text(each.expires),
        "revoked": time_text(each.revoked),
    }

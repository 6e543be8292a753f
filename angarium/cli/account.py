"""``postmaster account``: people who log in to the HTTP API, with roles in tenants. ``user`` is who submits mail."""

from pathlib import Path

import click
import pyotp

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_USAGE, CommandError
from angarium.cli.new_password import new_password, password_stdin_option
from angarium.cli.platform_access import json_option, print_json, time_text, using_platform
from angarium.config.schema import Config, Role
from angarium.queue.model import DEFAULT_TENANT
from angarium.tenancy.account import Account
from angarium.tenancy.scopes import ROLES

ISSUER = "Angarium"
_tenant_option = click.option(
    "--tenant",
    default=DEFAULT_TENANT,
    show_default=True,
    help="In which the role is had; default is the server's own.",
)


@click.group()
def account() -> None:
    """People's accounts: with a password, one-time codes, and a role in each tenant that they are of."""


@account.command()
@click.argument("name")
@_tenant_option
@click.option("--role", type=click.Choice(list(ROLES)), required=True, help="What it may do there.")
@password_stdin_option
@json_option
@config_option
def add(
    name: str, tenant: str, role: Role, password_stdin: bool, as_json: bool, config_file: Path
) -> None:
    """Add account NAME (an address is usual). Asks for its password."""
    password = new_password(password_stdin)
    with using_platform(config_file) as (platform, _):
        _show(platform.accounts.add(name, tenant, role, password), as_json, "Added")


@account.command("list")
@click.option("--tenant", help="Only its members.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(tenant: str | None, as_json: bool, config_file: Path) -> None:
    """List the accounts."""
    with using_platform(config_file) as (platform, _):
        accounts = platform.accounts.list(tenant)
    for each in accounts:
        if as_json:
            print_json(_row(each))
        else:
            click.echo(_line(each))
    if not accounts and not as_json:
        click.echo("No accounts.")


@account.command()
@click.argument("name")
@json_option
@config_option
def show(name: str, as_json: bool, config_file: Path) -> None:
    """Show account NAME."""
    with using_platform(config_file) as (platform, _):
        found = platform.accounts.find(name)
    _show(found, as_json, "")


@account.command()
@click.argument("name")
@click.argument("new_role", metavar="ROLE", type=click.Choice([*ROLES, "none"]))
@_tenant_option
@json_option
@config_option
def role(name: str, new_role: str, tenant: str, as_json: bool, config_file: Path) -> None:
    """Give account NAME the ROLE in a tenant, in place of the one that it has; none takes it away."""
    wanted = next((each for each in ROLES if each == new_role), None)
    with using_platform(config_file) as (platform, _):
        _show(platform.accounts.set_role(name, tenant, wanted), as_json, "Changed")


@account.command()
@click.argument("name")
@password_stdin_option
@json_option
@config_option
def password(name: str, password_stdin: bool, as_json: bool, config_file: Path) -> None:
    """Set the password of account NAME. Its sessions end, and so does a wait after wrong ones."""
    text = new_password(password_stdin)
    with using_platform(config_file) as (platform, _):
        _show(platform.accounts.set_password(name, text), as_json, "Changed")


@account.command()
@click.argument("name")
@click.option("--off", is_flag=True, help="Ask for no codes any more.")
@json_option
@config_option
def totp(name: str, off: bool, as_json: bool, config_file: Path) -> None:
    """Ask for one-time codes when account NAME logs in. Prints what its application needs, and recovery codes, once.

    Its sessions end.
    """
    with using_platform(config_file) as (platform, _):
        if off:
            _show(platform.accounts.remove_totp(name), as_json, "Changed")
            return
        made = platform.accounts.set_totp(name)
        found = platform.accounts.find(name)
    uri = pyotp.TOTP(made.secret).provisioning_uri(name=found.name, issuer_name=ISSUER)
    if as_json:
        codes = made.recovery_codes
        print_json({**_row(found), "secret": made.secret, "uri": uri, "codes": codes})
        return
    click.echo(f"For the application of {found.name}:\n  {uri}\n")
    click.echo("Recovery codes, each good for one log-in; none is shown again:")
    for code in made.recovery_codes:
        click.echo(f"  {code}")


@account.command("remove-passkeys")
@click.argument("name")
@json_option
@config_option
def remove_passkeys(name: str, as_json: bool, config_file: Path) -> None:
    """Let no passkey of account NAME in any more. They are added by HTTP, by who is logged in. Its sessions end."""
    with using_platform(config_file) as (platform, _):
        _show(platform.accounts.remove_passkeys(name), as_json, "Changed")


@account.command()
@click.argument("name")
@click.argument("provider")
@click.argument("subject")
@json_option
@config_option
def link(name: str, provider: str, subject: str, as_json: bool, config_file: Path) -> None:
    """Let in as account NAME whom PROVIDER (the name of a [[tenancy.oidc]]) vouches for as SUBJECT (its claim sub)."""
    with using_platform(config_file) as (platform, config):
        found = platform.identities.link(name, _issuer(config, provider), subject)
        _show(found, as_json, "Linked")


@account.command()
@click.argument("name")
@click.argument("provider")
@json_option
@config_option
def unlink(name: str, provider: str, as_json: bool, config_file: Path) -> None:
    """Let nobody in as account NAME whom PROVIDER vouches for: its name, or the issuer. Its sessions end."""
    with using_platform(config_file) as (platform, config):
        issuers = [each.issuer for each in config.tenancy.oidc if each.name == provider]
        found = platform.identities.unlink(name, issuers[0] if issuers else provider)
        _show(found, as_json, "Changed")


@account.command()
@click.argument("name")
@json_option
@config_option
def disable(name: str, as_json: bool, config_file: Path) -> None:
    """Let account NAME log in no more, until it is enabled. Its sessions end."""
    with using_platform(config_file) as (platform, _):
        _show(platform.accounts.set_disabled(name, True), as_json, "Disabled")


@account.command()
@click.argument("name")
@json_option
@config_option
def enable(name: str, as_json: bool, config_file: Path) -> None:
    """Let account NAME log in again."""
    with using_platform(config_file) as (platform, _):
        _show(platform.accounts.set_disabled(name, False), as_json, "Enabled")


@account.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it.")
@json_option
@config_option
def remove(name: str, yes: bool, as_json: bool, config_file: Path) -> None:
    """Remove account NAME for good. What it did stays in the audit."""
    if not yes:
        raise CommandError(f"this removes {name} for good: write --yes", EX_USAGE)
    with using_platform(config_file) as (platform, _):
        removed = platform.accounts.remove(name)
    if as_json:
        print_json({"id": removed.id, "name": removed.name, "status": "removed"})
        return
    click.echo(f"Removed {removed.name}.")


def _issuer(config: Config, provider: str) -> str:
    """Raises CommandError."""
    for each in config.tenancy.oidc:
        if each.name == provider:
            return each.issuer
    known = ", ".join(each.name for each in config.tenancy.oidc) or "none"
    raise CommandError(
        f"there is no [[tenancy.oidc]] called {provider!r}; there are: {known}", EX_USAGE
    )


def _show(found: Account, as_json: bool, done: str) -> None:
    if as_json:
        print_json(_row(found))
    else:
        click.echo(f"{done} {_line(found)}".strip())


def _line(each: Account) -> str:
    roles = ", ".join(f"{it.role} of {it.tenant}" for it in each.memberships) or "no role"
    codes = f"  one-time codes, {each.recovery_codes} recovery codes" if each.has_totp else ""
    return f"{each.name}  {roles}{codes}{'  disabled' if each.disabled else ''}"


def _row(each: Account) -> dict[str, object]:
    return {
        "id": each.id,
        "name": each.name,
        "roles": [{"tenant": it.tenant, "role": it.role} for it in each.memberships],
        "totp": each.has_totp,
        "recovery_codes": each.recovery_codes,
        "passkeys": each.passkeys,
        "identities": each.identities,
        "created": time_text(each.created),
        "disabled": time_text(each.disabled),
    }

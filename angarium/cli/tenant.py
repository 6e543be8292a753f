"""``postmaster tenant``: whose mail there is. A running server sees each change at once."""

from pathlib import Path

import click

from angarium.cli.config_option import config_option
from angarium.cli.platform_access import json_option, print_json, time_text, using_platform
from angarium.tenancy.model import Tenant


@click.group()
def tenant() -> None:
    """Tenants: whose mail it is, with keys and domains of their own."""


@tenant.command()
@click.argument("name")
@json_option
@config_option
def create(name: str, as_json: bool, config_file: Path) -> None:
    """Create tenant NAME: what its mail is called in the queue, in logs and in figures."""
    with using_platform(config_file) as (platform, _):
        made = platform.tenants.create(name)
    if as_json:
        print_json({"id": made.id, "name": made.name})
        return
    click.echo(f"Created tenant {made.name}. Next: postmaster domain add DOMAIN --tenant {name}")


@tenant.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(as_json: bool, config_file: Path) -> None:
    """List the tenants."""
    with using_platform(config_file) as (platform, _):
        tenants = platform.tenants.list()
    if as_json:
        for each in tenants:
            print_json(_row(each))
        return
    width = max(len(each.name) for each in tenants)
    for each in tenants:
        state = "" if each.active else "  disabled"
        click.echo(f"{each.name:{width}}  {time_text(each.created)}{state}")


@tenant.command()
@click.argument("name")
@json_option
@config_option
def show(name: str, as_json: bool, config_file: Path) -> None:
    """Show tenant NAME with its domains, and how many keys it has."""
    with using_platform(config_file) as (platform, _):
        found = platform.tenants.find(name)
        domains = platform.domains.list(name)
        keys = platform.keys.list(name)
    valid = sum(each.revoked is None for each in keys)
    if as_json:
        rows = [{"domain": each.name, "status": each.status} for each in domains]
        print_json({**_row(found), "domains": rows, "keys": valid})
        return
    state = "active" if found.active else "disabled: its keys are refused"
    click.echo(f"{found.name}  {state}  since {time_text(found.created)}  id {found.id}")
    for each in domains:
        click.echo(f"  domain {each.name}: {each.status}")
    click.echo(f"  keys: {valid}")


@tenant.command()
@click.argument("name")
@config_option
def disable(name: str, config_file: Path) -> None:
    """Refuse the keys of tenant NAME, until it is enabled. What was accepted is still delivered."""
    with using_platform(config_file) as (platform, _):
        platform.tenants.set_active(name, False)
    click.echo(f"Disabled {name}: its keys are refused.")


@tenant.command()
@click.argument("name")
@config_option
def enable(name: str, config_file: Path) -> None:
    """Accept the keys of tenant NAME again."""
    with using_platform(config_file) as (platform, _):
        platform.tenants.set_active(name, True)
    click.echo(f"Enabled {name}.")


def _row(each: Tenant) -> dict[str, object]:
    return {
        "id": each.id,
        "name": each.name,
        "active": each.active,
        "created": time_text(each.created),
    }

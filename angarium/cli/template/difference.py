"""``postmaster template diff``: what changed between two versions."""

from pathlib import Path

import click

from angarium.api.native.template_trials import difference_shown
from angarium.cli.config_option import config_option
from angarium.cli.platform_access import json_option, print_json, using_platform
from angarium.cli.template.options import name_argument, tenant_option
from angarium.templates.difference import as_text, difference
from angarium.tenancy.templates.comparison import settings_changed

_NUMBER = click.IntRange(1, 2**31 - 1)


@click.command()
@name_argument
@click.argument("old", metavar="[FROM]", required=False, type=_NUMBER)
@click.argument("new", metavar="[TO]", required=False, type=_NUMBER)
@tenant_option
@json_option
@config_option
def diff(
    name: str, old: int | None, new: int | None, tenant: str, as_json: bool, config_file: Path
) -> None:
    """Show what changed in template NAME between versions FROM and TO; omitted: the published and the newest one."""
    with using_platform(config_file) as (platform, _):
        before, after = platform.template_versions.pair(tenant, name, old, new)
    if as_json:
        print_json(difference_shown(before, after))
        return
    parts = difference(before.content.locales, after.content.locales)
    settings = list(settings_changed(before.content, after.content))
    for line in settings:
        click.echo(line)
    text = as_text(parts)
    click.echo(text, nl=False)
    if not settings and not text:
        click.echo(f"Versions {before.number} and {after.number} do not differ.", err=True)

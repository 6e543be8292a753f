"""``postmaster topic``: what a tenant's mail may be about. A running server sees each change at once."""

from pathlib import Path

import click

from angarium.cli.config_option import config_option
from angarium.cli.platform_access import json_option, print_json, time_text, using_platform
from angarium.queue.model import DEFAULT_TENANT
from angarium.tenancy.topic import Topic

_tenant_option = click.option(
    "--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose it is."
)
_title_option = click.option(
    "--title",
    "titles",
    multiple=True,
    metavar="LANGUAGE=TEXT",
    help="What people read on the page for leaving: en=Offers. Repeat for more languages.",
)


@click.group()
def topic() -> None:
    """Topics: what mail is about, so that people may leave one and keep the others."""


@topic.command()
@click.argument("name")
@_tenant_option
@_title_option
@json_option
@config_option
def add(name: str, tenant: str, titles: tuple[str, ...], as_json: bool, config_file: Path) -> None:
    """Add topic NAME, which mail may bear from now on."""
    with using_platform(config_file) as (platform, _):
        made = platform.topics.create(tenant, name, _titles(titles))
    if as_json:
        print_json(_row(made))
        return
    click.echo(
        f"Added topic {name} of tenant {tenant}. Mail bears it by topic, or X-Angarium-Topic."
    )


@topic.command("list")
@click.option("--tenant", help="Only those of this tenant.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(tenant: str | None, as_json: bool, config_file: Path) -> None:
    """List the topics."""
    with using_platform(config_file) as (platform, _):
        found = platform.topics.list(tenant)
    if as_json:
        for each in found:
            print_json(_row(each))
        return
    if not found:
        click.echo("No topics.")
    for each in found:
        titles = "  ".join(f"{language}={title}" for language, title in each.titles.items())
        click.echo(f"{each.tenant}  {each.name}  {titles}".rstrip())


@topic.command("set")
@click.argument("name")
@_tenant_option
@_title_option
@json_option
@config_option
def set_(name: str, tenant: str, titles: tuple[str, ...], as_json: bool, config_file: Path) -> None:
    """Give topic NAME these titles, instead of those of before."""
    with using_platform(config_file) as (platform, _):
        changed = platform.topics.set_titles(tenant, name, _titles(titles))
    if as_json:
        print_json(_row(changed))
        return
    click.echo(f"{changed.name}: {', '.join(changed.titles) or 'no titles'}")


@topic.command()
@click.argument("name")
@_tenant_option
@json_option
@config_option
def remove(name: str, tenant: str, as_json: bool, config_file: Path) -> None:
    """Remove topic NAME: mail that bears it is refused. Who left it stays suppressed for it."""
    with using_platform(config_file) as (platform, _):
        removed = platform.topics.remove(tenant, name)
    if as_json:
        print_json(_row(removed))
        return
    click.echo(f"Removed topic {removed.name} of tenant {tenant}.")


def _titles(given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        language, equals, title = each.partition("=")
        if not equals:
            raise click.UsageError(f"--title {each!r}: write LANGUAGE=TEXT, en=Offers for instance")
        found[language.strip()] = title
    return found


def _row(each: Topic) -> dict[str, object]:
    return {
        "id": each.id,
        "tenant": each.tenant,
        "name": each.name,
        "titles": each.titles,
        "created": time_text(each.created),
    }

"""``postmaster template export`` and ``import``: templates as folders of files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import click

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_NOINPUT, CommandError
from angarium.cli.platform_access import json_option, print_json, using_platform
from angarium.cli.template.access import rendering
from angarium.cli.template.folder import (
    HTML,
    SETTINGS,
    TemplateFolder,
    is_template,
    read_folder,
    settings_of,
    write_folder,
)
from angarium.cli.template.options import folder_argument, tenant_option, version_option
from angarium.tenancy.model import NotFoundError
from angarium.tenancy.platform import Platform
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.model import Template, TemplateError, TemplateWish, Version
from angarium.tenancy.templates.saving import Saved

# What is used comes before who uses it
_ORDER: Final = ("partial", "layout", "mail")


@click.command()
@folder_argument
@click.argument("names", metavar="[NAME]...", nargs=-1)
@tenant_option
@version_option
@json_option
@config_option
def export(
    folder: Path,
    names: Sequence[str],
    tenant: str,
    number: int | None,
    as_json: bool,
    config_file: Path,
) -> None:
    """Write templates NAME, or all, below FOLDER, each in a folder of its own."""
    found: list[tuple[Template, Version]] = []
    with using_platform(config_file) as (platform, _):
        wanted = (
            [platform.templates.find(tenant, each) for each in names]
            if names
            else platform.templates.list(tenant)
        )
        for each in wanted:
            if each.newest:
                version = platform.template_versions.find(tenant, each.id, number)
                found.append((each, version))
    # Behind the block, in which root is the server's user, who may not write where root stands
    for each, version in found:
        settings = settings_of(each.alias, each.name, each.kind, version.content)
        path = folder / each.alias
        write_folder(path, TemplateFolder(settings=settings, content=version.content))
        if as_json:
            print_json({"alias": each.alias, "version": version.number, "folder": str(path)})
        else:
            click.echo(f"{each.alias}  version {version.number}  {path}")
    if not found and not as_json:
        click.echo("No templates.")


@click.command("import")
@folder_argument
@tenant_option
@click.option("--publish", is_flag=True, help="Have them used at once.")
@click.option("--comment", default="imported", show_default=True, help="Of each new version.")
@json_option
@config_option
def import_(
    folder: Path, tenant: str, publish: bool, comment: str, as_json: bool, config_file: Path
) -> None:
    """Save each template that has a folder in FOLDER; those that are not there are created.

    What is the same as the newest version is left alone. Partials and layouts come first, and have to be published for
    mails to use them.
    """
    paths = sorted(each for each in _subfolders(folder) if is_template(each))
    if not paths:
        text = f"{folder}: no folder in it has a {SETTINGS}, or a part of a template, as {HTML}"
        raise CommandError(text, EX_NOINPUT)
    waiting = [(each, read_folder(each)) for each in paths]
    waiting.sort(key=lambda each: _ORDER.index(each[1].settings.kind))
    with using_platform(config_file) as (platform, config), rendering(config) as work:
        while waiting:
            failed: list[tuple[Path, TemplateFolder]] = []
            problem: TemplateError | None = None
            for path, read in waiting:
                try:
                    saved = work.changed(tenant, _taking(platform, tenant, read, comment, publish))
                except TemplateError as error:
                    # It may name one of those that come later
                    failed.append((path, read))
                    problem = problem or TemplateError(
                        f"{path}: {error.text}", field=error.field, problems=error.problems
                    )
                    continue
                _print(read.settings.alias, saved, as_json)
            if problem is not None and len(failed) == len(waiting):
                raise problem
            waiting = failed


def _taking(
    platform: Platform, tenant: str, read: TemplateFolder, comment: str, publish: bool
) -> Callable[[Examined], Saved | None]:
    return lambda examined: _take(platform, tenant, read, comment, examined, publish=publish)


def _take(
    platform: Platform,
    tenant: str,
    read: TemplateFolder,
    comment: str,
    examined: Examined,
    *,
    publish: bool,
) -> Saved | None:
    """Return what was saved; None: it is there already."""
    settings, content = read.settings, read.content
    try:
        there = platform.templates.find(tenant, settings.alias)
    except NotFoundError:
        wish = TemplateWish(
            tenant=tenant, alias=settings.alias, name=settings.name, kind=settings.kind
        )
        return platform.template_versions.create(wish, content, comment, examined, publish=publish)
    if there.newest:
        heads = platform.template_versions.list(tenant, there.id, limit=1)
        if heads:
            last = platform.template_versions.find(tenant, there.id, heads[0].number)
            if last.content == content and (last.state == "published" or not publish):
                return None
    return platform.template_versions.save(
        tenant, there.id, content, comment, examined, publish=publish
    )


def _print(alias: str, saved: Saved | None, as_json: bool) -> None:
    number = None if saved is None else saved.version.number
    if as_json:
        state = None if saved is None else saved.version.state
        print_json({"alias": alias, "version": number, "state": state})
    elif saved is None:
        click.echo(f"{alias}  as it is there")
    else:
        click.echo(f"{alias}  version {number}, {saved.version.state}")


def _subfolders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise CommandError(f"{folder} is no folder", EX_NOINPUT)
    return [each for each in folder.iterdir() if each.is_dir()]

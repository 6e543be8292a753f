"""``postmaster template``: what mail is made of. A running server sees each change at once."""

from pathlib import Path

import click
import msgspec

from angarium.api.native.template_wire import (
    head_shown,
    template_made,
    template_shown,
    version_published,
    version_saved,
    version_shown,
)
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_USAGE, CommandError
from angarium.cli.platform_access import json_option, print_json, time_text, using_platform
from angarium.cli.template.access import rendering
from angarium.cli.template.difference import diff
from angarium.cli.template.folder import read_folder
from angarium.cli.template.options import (
    folder_argument,
    name_argument,
    tenant_option,
    version_option,
)
from angarium.cli.template.preview import preview
from angarium.cli.template.transfer import export, import_
from angarium.cli.template.trial import test
from angarium.queue.model import DEFAULT_TENANT
from angarium.templates.bundle import PARTS
from angarium.tenancy.templates.index import Kind
from angarium.tenancy.templates.model import KINDS, TemplateWish
from angarium.tenancy.templates.publications import Published
from angarium.tenancy.templates.saving import Saved

_COMMENT = click.option("--comment", default="", help="What is new in it.")
_PUBLISH = click.option("--publish", is_flag=True, help="Have it used at once.")


@click.group()
def template() -> None:
    """Templates: mail that is written once, and filled with each recipient's data.

    NAME is a template's alias or id. A FOLDER has its parts as files: subject.txt, body.html or body.mjml, body.txt and
    more (docs/templates.md).
    """


for each in (preview, test, diff, import_, export):
    template.add_command(each)


@template.command()
@click.argument("alias", metavar="ALIAS")
@click.argument(
    "folder",
    metavar="[FOLDER]",
    required=False,
    type=click.Path(path_type=Path, file_okay=False),
)
@tenant_option
@click.option(
    "--name", default="", help="For people; omitted: as template.json says, or the alias."
)
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    help="Mail, or what mails are put into or take in; omitted: as template.json says, or mail.",
)
@_PUBLISH
@json_option
@config_option
def create(
    alias: str,
    folder: Path | None,
    tenant: str,
    name: str,
    kind: Kind | None,
    publish: bool,
    as_json: bool,
    config_file: Path,
) -> None:
    """Create template ALIAS, with what is in FOLDER as its first version."""
    if folder is None:
        wish = TemplateWish(tenant=tenant, alias=alias, name=name, kind=kind or "mail")
        if publish:
            raise CommandError("--publish needs a FOLDER: there is no version yet", EX_USAGE)
        with using_platform(config_file) as (platform, _):
            made = platform.templates.create(wish)
        if as_json:
            print_json(template_made(made, None))
            return
        click.echo(f"Created {made.alias}. Next: postmaster template save {made.alias} FOLDER")
        return
    read = read_folder(folder)
    settings, content = read.settings, read.content
    wish = TemplateWish(
        tenant=tenant, alias=alias, name=name or settings.name, kind=kind or settings.kind
    )
    with using_platform(config_file) as (platform, config), rendering(config) as work:
        saved = work.changed(
            tenant,
            lambda examined: platform.template_versions.create(
                wish, content, "", examined, publish=publish
            ),
        )
    if as_json:
        version = version_saved(saved.version, saved.examination)
        print_json(template_made(saved.template, version))
        return
    _print_saved(saved)


@template.command("list")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose they are.")
@click.option("--kind", type=click.Choice(KINDS), help="Only these.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(tenant: str, kind: Kind | None, as_json: bool, config_file: Path) -> None:
    """List the templates."""
    with using_platform(config_file) as (platform, _):
        found = platform.templates.list(tenant, kind=kind)
    if as_json:
        for each in found:
            print_json(template_shown(each))
        return
    if not found:
        click.echo("No templates.")
    width = max((len(each.alias) for each in found), default=0)
    for each in found:
        published = f"version {each.published}" if each.published else "not published"
        click.echo(f"{each.alias:{width}}  {each.kind:7}  {published}  {each.name}")


@template.command()
@name_argument
@tenant_option
@version_option
@json_option
@config_option
def show(name: str, tenant: str, number: int | None, as_json: bool, config_file: Path) -> None:
    """Show template NAME with its versions, or one of them with what is written in it."""
    with using_platform(config_file) as (platform, _):
        found = platform.templates.find(tenant, name)
        heads = platform.template_versions.list(tenant, name)
        version = None
        if number is not None:
            version = platform.template_versions.find(tenant, name, number)
    if as_json:
        print_json(
            {
                **msgspec.to_builtins(template_shown(found)),
                "versions": [head_shown(each) for each in heads],
            }
            if version is None
            else version_shown(version)
        )
        return
    if version is not None:
        for locale, parts in version.content.locales.items():
            for part in PARTS:
                source = parts.source(part)
                if source is not None:
                    click.echo(f"--- {part} ({locale})")
                    click.echo(source.removesuffix("\n"))
        return
    click.echo(f"{found.alias}  {found.kind}  {found.name}  id {found.id}")
    for head in heads:
        when = f", published {time_text(head.published)}" if head.published else ""
        comment = f"  {head.comment.splitlines()[0]}" if head.comment else ""
        tag = f" {head.tag}" if head.tag else ""
        click.echo(f"  {head.number}{tag}  {head.state}, by {head.author}{when}{comment}")


@template.command()
@name_argument
@folder_argument
@tenant_option
@click.option(
    "--draft",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    metavar="N",
    help="Write draft N anew, instead of a new version.",
)
@_COMMENT
@_PUBLISH
@json_option
@config_option
def save(
    name: str,
    folder: Path,
    tenant: str,
    number: int | None,
    comment: str,
    publish: bool,
    as_json: bool,
    config_file: Path,
) -> None:
    """Save what is in FOLDER as a new version of template NAME. What is wrong in it is refused with line and column."""
    if publish and number is not None:
        raise CommandError("--draft and --publish: publish it once it is saved", EX_USAGE)
    content = read_folder(folder).content
    with using_platform(config_file) as (platform, config), rendering(config) as work:
        versions = platform.template_versions
        saved = work.changed(
            tenant,
            lambda examined: (
                versions.save(tenant, name, content, comment, examined, publish=publish)
                if number is None
                else versions.edit(
                    tenant, name, number, lambda _: content, comment or None, examined
                )
            ),
        )
    if as_json:
        print_json(version_saved(saved.version, saved.examination))
        return
    _print_saved(saved)


@template.command()
@name_argument
@click.argument("number", metavar="VERSION", type=click.IntRange(1, 2**31 - 1))
@tenant_option
@json_option
@config_option
def publish(name: str, number: int, tenant: str, as_json: bool, config_file: Path) -> None:
    """Have VERSION of template NAME used from now on; published mails that use it are made with it."""
    with using_platform(config_file) as (platform, config), rendering(config) as work:
        store = platform.template_publications
        found = work.changed(tenant, lambda examined: store.publish(tenant, name, number, examined))
    _print_published(found, as_json)


@template.command()
@name_argument
@click.argument("number", metavar="[VERSION]", required=False, type=click.IntRange(1, 2**31 - 1))
@tenant_option
@json_option
@config_option
def rollback(name: str, number: int | None, tenant: str, as_json: bool, config_file: Path) -> None:
    """Publish an older VERSION of template NAME again; omitted: the one that was published before."""
    with using_platform(config_file) as (platform, config), rendering(config) as work:
        store = platform.template_publications
        found = work.changed(
            tenant, lambda examined: store.roll_back(tenant, name, number, examined)
        )
    _print_published(found, as_json)


@template.command()
@name_argument
@tenant_option
@click.option(
    "--version",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    help="Forget this version alone, which is not the published one.",
)
@json_option
@config_option
def delete(name: str, tenant: str, number: int | None, as_json: bool, config_file: Path) -> None:
    """Forget template NAME with its versions, unless what is published uses it."""
    with using_platform(config_file) as (platform, _):
        if number is not None:
            head = platform.template_versions.remove(tenant, name, number)
            if as_json:
                print_json(head_shown(head))
                return
            click.echo(f"Deleted version {head.number} of {name}.")
            return
        found = platform.templates.remove(tenant, name)
    if as_json:
        print_json(template_shown(found))
        return
    click.echo(f"Deleted {found.alias}.")


def _print_saved(saved: Saved) -> None:
    alias, number = saved.template.alias, saved.version.number
    for each in saved.examination.hints:
        place = "" if each.line is None else f", line {each.line}"
        click.echo(f"{each.part or 'note'}{place}: {each.message}", err=True)
    if saved.examination.undeclared:
        names = ", ".join(saved.examination.undeclared)
        click.echo(f"variables.json says nothing of {names}", err=True)
    if saved.version.state == "published":
        click.echo(f"Saved and published version {number} of {alias}.")
        return
    click.echo(
        f"Saved version {number} of {alias}. Next: postmaster template publish {alias} {number}"
    )


def _print_published(found: Published, as_json: bool) -> None:
    if as_json:
        print_json(version_published(found.version, found.renewed))
        return
    also = f" In force, too, in {', '.join(found.renewed)}." if found.renewed else ""
    click.echo(f"Published version {found.version.number} of {found.template.alias}.{also}")

"""``postmaster template preview``: what a mail looks like that a version makes."""

from pathlib import Path

import click

from angarium.api.native.template_trials import preview_shown
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_CANTCREAT, EX_DATAERR, CommandError
from angarium.cli.platform_access import json_option, print_json, using_platform
from angarium.cli.template.access import rendering
from angarium.cli.template.options import (
    data_option,
    locale_option,
    name_argument,
    read_data,
    tenant_option,
    version_option,
)
from angarium.queue.wall_clock import wall_clock
from angarium.templates.rendering import Problem
from angarium.tenancy.templates.model import TemplateError
from angarium.tenancy.templates.preview import Preview, Wanted, preview_of


@click.command()
@name_argument
@tenant_option
@version_option
@data_option
@locale_option
@click.option(
    "--out",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write preview.html, preview.txt and preview.amp.html there, for a browser.",
)
@json_option
@config_option
def preview(
    name: str,
    tenant: str,
    number: int | None,
    data_file: Path | None,
    locale: str,
    out: Path | None,
    as_json: bool,
    config_file: Path,
) -> None:
    """Show the mail that template NAME makes of its sample, or of other data. Sends nothing."""
    data = read_data(data_file)
    with using_platform(config_file) as (platform, config), rendering(config) as work:
        version, encoded = platform.template_versions.find_with_bundle(tenant, name, number)
        wanted = Wanted(version=version, encoded=encoded, data=data, locale=locale)
        found = work.run(lambda renderer: preview_of(wanted, renderer, tenant, wall_clock()))
    if isinstance(found, Problem):
        error = TemplateError.of(found, content=version.content)
        raise CommandError(error.text, EX_DATAERR)
    if out is not None:
        _write(out, found)
    if as_json:
        print_json(preview_shown(found, version))
        return
    click.echo(f"Subject: {found.subject}")
    if found.preheader:
        click.echo(f"Preheader: {found.preheader}")
    click.echo(f"Size: {found.octets} octets; version {version.number}, {version.state}")
    for each in found.findings:
        click.echo(f"{each.level}: {each.message}{f' ({each.detail})' if each.detail else ''}")
    if out is None:
        click.echo(f"\n{found.text or found.html or ''}")


def _write(out: Path, found: Preview) -> None:
    """Raises CommandError."""
    parts = {
        "preview.html": found.html,
        "preview.txt": found.text,
        "preview.amp.html": found.amp,
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in parts.items():
            if text is not None:
                (out / name).write_bytes(text.encode())
                click.echo(str(out / name), err=True)
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}", EX_CANTCREAT) from None

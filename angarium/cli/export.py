"""``postmaster export``: all that is stored of one person, as files."""

import errno
import os
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Final, cast

import click
import msgspec

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_CANTCREAT, EX_OK, CommandError
from angarium.cli.person_options import person_options, reached_stores, read_address
from angarium.cli.platform_access import actor_name, print_json
from angarium.personal_data.exporting import Manifest, export
from angarium.personal_data.store import Subject
from angarium.queue.act import Actor
from angarium.queue.person import KEY_OCTETS, Person
from angarium.service.runtime import wall_clock

_ZIP: Final = ".zip"


@click.command(
    "export",
    help="Write all that is stored of a person by their address: a JSON document per store, their mails, and a manifest"
    " that says what was searched and found. Other people's addresses are left out, but in mails as they are.",
)
@config_option
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A new file NAME.zip, or a folder that is new or empty.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
def export_(config_file: Path, address: str, tenant: str | None, out: Path, as_json: bool) -> int:
    wanted = read_address(address)
    try:
        # The files are the caller's: they are made before we act as the queue's owner
        with _opened(out) as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                manifest = _export(config_file, wanted, tenant, archive)
            if out.suffix != _ZIP:
                with zipfile.ZipFile(file) as archive:
                    archive.extractall(out)
    except OSError as error:
        text = f"{error.filename or out}: {error.strerror}"
        raise CommandError(text, EX_CANTCREAT) from None
    if as_json:
        print_json({**msgspec.to_builtins(manifest), "found": manifest.found})
        return EX_OK
    for each in manifest.stores:
        mails = f", {each.mails} mails" if each.mails else ""
        click.echo(f"{each.name:<14} {each.found} found{mails}")
    click.echo(f"written to {out}")
    return EX_OK


def _opened(out: Path) -> IO[bytes]:
    """Return the file that is written: ``out``, or where that is a folder, one that goes by itself. Raises OSError."""
    if out.suffix == _ZIP:
        return os.fdopen(os.open(out, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise FileExistsError(errno.EEXIST, "it is not empty", str(out))
    return cast(IO[bytes], tempfile.TemporaryFile(dir=out.parent))


def _export(
    config_file: Path, address: str, tenant: str | None, archive: zipfile.ZipFile
) -> Manifest:
    with reached_stores(config_file, tenant) as reached:
        key = reached.stores.queue.find_key() or os.urandom(KEY_OCTETS)
        person = Person(address, key)
        subject = Subject(person=person, tenant=tenant, by=Actor(who=actor_name()))
        manifest = export(reached.stores.all(), subject, address, archive, wall_clock)
        found = str(manifest.found)
        # Where nobody was erased yet, the key is not kept, and what is of it says nothing
        about = person.alias if reached.stores.queue.find_key() else "a person"
        reached.platform.audit.note("person.exported", tenant or "", about, found=found)
    return manifest


person_options(export_)

"""``postmaster upload``: files for campaigns, put where tenants' uploads are; with or without a running server."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

import click
import msgspec

from angarium.api.native.upload_wire import preview_of, upload_shown
from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option
from angarium.cli.exit import (
    EX_CANTCREAT,
    EX_DATAERR,
    EX_NOINPUT,
    EX_TEMPFAIL,
    CommandError,
)
from angarium.cli.platform_access import json_option, print_json, using_platform
from angarium.cli.progress import octets_progress
from angarium.config.schema import Config
from angarium.queue.model import DEFAULT_TENANT
from angarium.queue.wall_clock import wall_clock
from angarium.tables import Examined, Row, TableError, examine
from angarium.uploads import (
    NewUpload,
    Upload,
    UploadBusyError,
    UploadError,
    UploadLimits,
    UploadMissingError,
    UploadStore,
    uploads_directory,
)
from angarium.uploads.bucket.clearing import clear
from angarium.uploads.model import BucketError, DiskRoomError, UploadRoomError

_PIECE_OCTETS: Final = 1 << 20
_tenant_option = click.option(
    "--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose upload it is."
)


class _FileOrCommand(click.Group):
    """What is none of its commands is a file for ``add``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["add", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_FileOrCommand)
def upload() -> None:
    """Files of recipients, for campaigns. `postmaster upload FILE` adds one."""


@upload.command()
@click.argument("file", type=click.Path(path_type=Path))
@_tenant_option
@json_option
@config_option
def add(file: Path, tenant: str, as_json: bool, config_file: Path) -> None:
    """Put FILE among the uploads, and show how it is read.

    What was put there of the same file is continued; a file that is there already is left. It goes where campaigns
    read it, also where [uploads] names a bucket, which is for files that come from elsewhere.
    """
    try:
        source = file.open("rb")
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", EX_NOINPUT) from None
    # Opened before the block, in which root is the server's user
    with source, _using_store(config_file, tenant) as (store, limits):
        new = _announced(source, file.name, tenant)
        found = _find_same(store, new) or store.create(new, limits)
        added = False
        if not found.is_complete:
            found = _put(store, found, source, hidden=as_json)
            added = True
        examined = _examined(store, found)
    if added:
        note_act(config_file, "upload.added", found.id, tenant=tenant)
    if as_json:
        shown = msgspec.to_builtins(upload_shown(found))
        preview, problem = None, None
        if isinstance(examined, TableError):
            problem = str(examined)
        else:
            preview = msgspec.to_builtins(preview_of(examined))
        shown |= {"preview": preview, "problem": problem}
        print_json(shown)
        return
    click.echo(f"{found.id}  {found.size} octets, complete")
    _print_examined(examined)


@upload.command("list")
@_tenant_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@config_option
def list_(tenant: str, as_json: bool, config_file: Path) -> None:
    """List the uploads of a tenant, the oldest first."""
    with _using_store(config_file, tenant) as (store, _):
        found = store.all_of(tenant)
    for each in found:
        if as_json:
            print_json(upload_shown(each))
            continue
        state = "complete" if each.is_complete else f"{each.offset} are there"
        if each.object is not None and not each.is_complete:
            state = f"{state}; awaited at {each.object.url}"
        click.echo(f"{each.id}  {each.filename}  {each.size} octets, {state}")
    if not found and not as_json:
        click.echo("No uploads.")


@upload.command()
@click.argument("upload_id", metavar="ID")
@_tenant_option
@config_option
def remove(upload_id: str, tenant: str, config_file: Path) -> None:
    """Remove upload ID, also out of its bucket. A campaign that was made of it keeps its file."""
    with _using_platform(config_file, tenant) as (store, config):
        if not store.remove(tenant, upload_id):
            raise UploadMissingError(f"tenant {tenant} has no upload {upload_id[:40]!a}")
        gone = [each for each in store.gone(tenant) if each.id == upload_id]
        try:
            asyncio.run(clear(store, config.uploads, gone))
        except BucketError as error:
            click.echo(
                f"A running server will try again to remove it there: {error.reason}", err=True
            )
    note_act(config_file, "upload.removed", upload_id, tenant=tenant)
    click.echo(f"{upload_id} is removed.")


@contextmanager
def _using_store(config_file: Path, tenant: str) -> Iterator[tuple[UploadStore, UploadLimits]]:
    with _using_platform(config_file, tenant) as (store, config):
        yield store, UploadLimits.of(config)


@contextmanager
def _using_platform(config_file: Path, tenant: str) -> Iterator[tuple[UploadStore, Config]]:
    """Give the uploads, as the server's user. Raises CommandError."""
    try:
        with using_platform(config_file) as (platform, config):
            platform.tenants.find(tenant)
            directory = uploads_directory(Path(config.server.data_dir))
            yield UploadStore(directory, wall_clock), config
    except UploadError as error:
        raise CommandError(error.reason, _code(error)) from None


def _announced(source: BufferedReader, name: str, tenant: str) -> NewUpload:
    digest = hashlib.file_digest(source, "sha256").hexdigest()
    return NewUpload(tenant=tenant, filename=name, size=source.tell(), sha256=digest)


def _find_same(store: UploadStore, new: NewUpload) -> Upload | None:
    for each in store.all_of(new.tenant):
        if (each.filename, each.size, each.sha256) == (new.filename, new.size, new.sha256):
            return each
    return None


def _put(store: UploadStore, upload: Upload, source: BufferedReader, *, hidden: bool) -> Upload:
    with (
        store.open(upload.tenant, upload.id) as writing,
        octets_progress(upload.filename, hidden=hidden) as told,
    ):
        source.seek(writing.offset)
        while piece := source.read(min(_PIECE_OCTETS, writing.size - writing.offset)):
            writing.write(piece)
            told(writing.offset, writing.size)
        writing.finish()
    found = store.find(upload.tenant, upload.id)
    if found is None:
        raise UploadMissingError("it was removed meanwhile")
    return found


def _examined(store: UploadStore, upload: Upload) -> Examined | TableError:
    try:
        return examine(store.data_path(upload))
    except TableError as error:
        return error


def _print_examined(examined: Examined | TableError) -> None:
    if isinstance(examined, TableError):
        click.echo(f"It is no table: {examined}", err=True)
        return
    layout = examined.layout
    guessed = "" if examined.is_charset_sure else " (a guess)"
    click.echo(f"charset {layout.charset}{guessed}, delimiter {layout.shape.delimiter!r}")
    click.echo(f"addresses in {layout.columns[layout.address]}")
    click.echo(f"variables {', '.join(layout.variables) or 'none'}")
    for each in examined.rows:
        if not isinstance(each, Row):
            click.echo(f"line {each.line}: {each.reason}: {each.text}", err=True)


def _code(error: UploadError) -> int:
    if isinstance(error, UploadMissingError):
        return EX_NOINPUT
    if isinstance(error, UploadBusyError):
        return EX_TEMPFAIL
    return EX_CANTCREAT if isinstance(error, DiskRoomError | UploadRoomError) else EX_DATAERR

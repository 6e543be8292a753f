"""How what is published of templates comes into ``<data_dir>/templates/``. Blocks on disk; the caller has the lock of
the snapshot, so that nobody else writes meanwhile.

The order makes a crash harmless: bundles, then the index that names them, then what no index names is removed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from angarium.host.exchanged_file import exchange, sync_directory, write_whole
from angarium.queue.model import UnixMs
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.templates.files import FOLDER, INDEX, read_index
from angarium.tenancy.templates.index import IndexData, IndexedTemplate, Parting, digests

# Ours: processes see a new index within a second; who was told of a bundle before has this long to load it
PARTING_MS: Final = 60_000
MAX_PARTINGS: Final = 1000  # ours: what changes more often than that is not kept for longer


def publish_templates(
    data_dir: Path,
    templates: tuple[IndexedTemplate, ...],
    bundle: Callable[[bytes], bytes],
    now: UnixMs,
) -> None:
    """``bundle`` gives the encoded one of a digest. On disk when it returns. Raises OSError."""
    folder = data_dir / FOLDER
    before = _read_before(data_dir)
    if not folder.exists():
        if not templates:
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_directory(data_dir)
    data = IndexData(templates=templates, partings=tuple(_partings(before, templates, now)))
    there = {each.name for each in folder.iterdir()}
    missing = [each for each in digests(data) if each.hex() not in there]
    for each in missing:
        write_whole(folder / each.hex(), bundle(each))
    if missing:
        sync_directory(folder)
    if before is None or data.templates != before.templates:
        exchange(folder / INDEX, msgspec.msgpack.encode(data))
    kept = {each.hex() for each in digests(data)} | {each.digest.hex() for each in data.partings}
    for name in there - kept - {INDEX}:
        (folder / name).unlink(missing_ok=True)


def _read_before(data_dir: Path) -> IndexData | None:
    """Return the index that there is; None: it is not to be used, and is written anew."""
    try:
        return read_index(data_dir)
    except TenancySetupError:
        return None


def _partings(
    before: IndexData | None, templates: tuple[IndexedTemplate, ...], now: UnixMs
) -> Iterator[Parting]:
    """Yield what is kept for a while, though nothing names it any more. Drafts come and go at once."""
    if before is None:
        return
    used = digests(IndexData(templates=templates))
    parting = [
        Parting(digest=digest, until=UnixMs(now + PARTING_MS))
        for digest, was_published in digests(before).items()
        if was_published and digest not in used
    ]
    parting += [each for each in before.partings if now < each.until and each.digest not in used]
    yield from parting[:MAX_PARTINGS]

"""A file of the bucket, as far as it says which events it has: its footer and a few columns, of some forty. They are in
a file of the same length here, which has nothing else and takes as little of the disk.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from angarium.lake.engine import Engine, text
from angarium.lake.folder import Folder
from angarium.lake.model import LakeAwayError
from angarium.uploads.bucket.client import Bucket
from angarium.uploads.model import BucketObject

# What ``examining`` and ``spans`` read
_COLUMNS: Final = ("sequence", "era", "ts", "tenant")
_MAGIC: Final = b"PAR1"
_TRAILER: Final = 8  # length of the footer, and the magic octets
_GUESSED: Final = 65_536  # ours: most footers are within that
# Ours: what is between two columns is fetched along where it is less, as a request costs more
_NEAR: Final = 65_536
_CHUNKS: Final = """
SELECT least(data_page_offset, coalesce(dictionary_page_offset, data_page_offset)) AS begun, total_compressed_size
FROM parquet_metadata({file}) WHERE path_in_schema IN ({columns}) ORDER BY begun
"""


@asynccontextmanager
async def glimpse(
    bucket: Bucket, what: BucketObject, size: int, folder: Folder, engine: Engine
) -> AsyncIterator[Path]:
    """Yield it, gone after the block; of what is no Parquet file it has the end. Raises BucketError, OSError."""
    path = folder.unfinished()
    try:
        with path.open("x+b") as file:
            os.truncate(file.fileno(), size)
            begun = max(0, size - _GUESSED)
            await _fetch(bucket, what, file.fileno(), begun, size)
            footer = _footer(file.fileno(), size)
            if footer < begun:
                await _fetch(bucket, what, file.fileno(), footer, begun)
            for first, end in await asyncio.to_thread(_chunks, engine, path, min(footer, begun)):
                await _fetch(bucket, what, file.fileno(), first, end)
        yield path
    finally:
        path.unlink(missing_ok=True)


async def _fetch(bucket: Bucket, what: BucketObject, fd: int, begun: int, end: int) -> None:
    if begun < end:
        os.pwrite(fd, await bucket.piece(what, begun, end - begun), begun)


def _footer(fd: int, size: int) -> int:
    """Return where it begins; the end of the file where there is none."""
    trailer = os.pread(fd, _TRAILER, max(0, size - _TRAILER))
    begun = size - _TRAILER - int.from_bytes(trailer[:4], "little")
    return begun if trailer[4:] == _MAGIC and begun >= len(_MAGIC) else size


def _chunks(engine: Engine, path: Path, known: int) -> list[tuple[int, int]]:
    """Return what is to be fetched of columns, before what is here already."""
    named = ", ".join(map(text, _COLUMNS))
    try:
        found = engine.ask(_CHUNKS.format(file=text(path), columns=named))
    except LakeAwayError:
        return []  # who examines it says what it is
    return list(_joined([(first, min(first + octets, known)) for first, octets in found]))


def _joined(chunks: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    begun = end = 0
    for first, last in chunks:
        if first < 0 or last <= first:
            continue
        if end and first - end > _NEAR:
            yield begun, end
            end = 0
        begun, end = (begun if end else first), max(end, last)
    if end:
        yield begun, end

"""Writes the events of a stretch of time into one file, for other programs."""

import asyncio
from pathlib import Path
from typing import Final, Literal

import msgspec

from angarium.config.schema import Config
from angarium.lake.catalogue import Catalogue
from angarium.lake.engine import Engine, between, read_files, text
from angarium.lake.fetching import have_here
from angarium.lake.folder import Folder, lake_folder
from angarium.lake.model import LakeFile
from angarium.lake.stretch import ends_within

Form = Literal["parquet", "csv", "json"]
_OPTIONS: Final = {
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    "csv": "FORMAT csv, HEADER true",
    "json": "FORMAT json",  # an object a line
}

_ORDER: Final = "tenant, ts, sequence"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    form: Form
    tenant: str | None = None  # None: of all
    first_hour: int | None = None  # since 1970
    end_hour: int | None = None


async def export(config: Config, wanted: Wanted, target: Path) -> int:
    """Return how many events there are in the file. Raises LakeAwayError."""
    folder = Folder(lake_folder(config))
    catalogue = await asyncio.to_thread(Catalogue, folder.path)
    try:
        files = await asyncio.to_thread(catalogue.files, wanted.first_hour, wanted.end_hour)
        if wanted.tenant is not None:
            files = [each for each in files if each.tenant in (None, wanted.tenant)]
        await have_here(config.lake, folder, catalogue, files)
    finally:
        catalogue.close()
    return await asyncio.to_thread(_write, folder, wanted, files, target)


def _write(folder: Folder, wanted: Wanted, files: list[LakeFile], target: Path) -> int:
    paths = [folder.locate(each.path) for each in files]
    condition = between(*ends_within(files, wanted.first_hour, wanted.end_hour))
    if wanted.tenant is not None:
        condition += f" AND tenant = {text(wanted.tenant)}"
    engine = Engine(folder.unfinished())
    try:
        select = (
            f"SELECT * FROM {read_files(paths, has_all_columns=False)} WHERE {condition}"  # noqa: S608
            f" ORDER BY {_ORDER}"
        )
        sql = f"COPY ({select}) TO {text(target)} ({_OPTIONS[wanted.form]})"
        return int(engine.ask(sql)[0][0])
    finally:
        engine.close()

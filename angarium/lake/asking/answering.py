"""Answers a question in SQL: which files it is about, those of them that are in the bucket only, a tenant's rows alone.

Invariant LQ1: what answers a tenant's question can open no file that has another one's rows: of files with rows of
several tenants a copy is made first, by SQL of ours, that has the tenant's only.
"""

import asyncio
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

import msgspec

from angarium.config.lake import Lake
from angarium.config.schema import Config
from angarium.lake.asking.question import Ask, Bounds, Extract, Given, Problem, Said
from angarium.lake.asking.running import run
from angarium.lake.catalogue import Catalogue
from angarium.lake.fetching import TooMuchError, have_here
from angarium.lake.folder import Folder, lake_folder, translating
from angarium.lake.model import LakeFile
from angarium.lake.stretch import Ends, ends_within

MAX_SQL: Final = 65_536
# Ours: what a question is about may be written anew while it is asked, but hardly three times
_TRIES: Final = 3
# Ours, of the copy of a tenant's rows
_EXTRACT_OCTETS: Final = 4 * 1024**3
# Ours, of a file that is made of an answer
_TARGET_OCTETS: Final = 64 * 1024**3


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    sql: str
    tenant: str | None = None  # whose events alone; None: all
    first_hour: int | None = None  # since 1970
    end_hour: int | None = None  # behind the last one
    rows: int | None = None  # of the answer; None: as configured
    target: Path | None = None  # have the answer in this file, as Parquet


class Asker:
    """Raises LakeAwayError."""

    def __init__(self, config: Config) -> None:
        self._settings: Lake = config.lake
        self._folder = Folder(lake_folder(config))

    async def ask(self, asked: Asked) -> Said:
        if len(asked.sql) > MAX_SQL:
            return Problem(kind="sql", text=f"it has more than {MAX_SQL} characters")
        said: Said = Problem(kind="gone", text="files are being written anew: ask again")
        for _ in range(_TRIES):
            said = await self._try(asked)
            if not (isinstance(said, Problem) and said.kind == "gone"):
                break
        return said

    async def _try(self, asked: Asked) -> Said:
        catalogue = await asyncio.to_thread(Catalogue, self._folder.path)
        try:
            files = await asyncio.to_thread(catalogue.files, asked.first_hour, asked.end_hour)
            if asked.tenant is not None:
                files = [each for each in files if each.tenant in (None, asked.tenant)]
            await have_here(self._settings, self._folder, catalogue, files)
        except TooMuchError as error:
            return Problem(kind="size", text=str(error))
        finally:
            catalogue.close()
        return await in_thread(lambda: self._answer(asked, files))

    def _answer(self, asked: Asked, files: Sequence[LakeFile]) -> Said:
        ends = ends_within(files, asked.first_hour, asked.end_hour)
        if asked.tenant is None:
            paths = [self._folder.locate(each.path) for each in files]
            return run(self._question(asked, paths, ends))
        own = [self._folder.locate(each.path) for each in files if each.tenant is not None]
        mixed = [self._folder.locate(each.path) for each in files if each.tenant is None]
        if not mixed:
            return run(self._question(asked, own, ends))
        place = self._folder.unfinished()
        with translating(place):
            place.mkdir(mode=0o700)
        try:
            target = place / "own.parquet"
            said = run(self._extraction(asked.tenant, mixed, target, ends))
            if isinstance(said, Problem):
                return said
            return run(self._question(asked, [*own, target], ends))  # LQ1
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _question(self, asked: Asked, files: Sequence[Path], ends: Ends) -> Given:
        bounds = self._bounds(asked)
        target = None
        if asked.target is not None:
            target = str(asked.target)
            bounds = msgspec.structs.replace(bounds, octets=_TARGET_OCTETS)
        return Ask(
            sql=asked.sql,
            files=_texts(files),
            first_ms=ends[0],
            end_ms=ends[1],
            bounds=bounds,
            target=target,
        )

    def _extraction(self, tenant: str, files: Sequence[Path], target: Path, ends: Ends) -> Given:
        bounds = msgspec.structs.replace(self._bounds(None), octets=_EXTRACT_OCTETS)
        return Extract(
            tenant=tenant,
            files=_texts(files),
            first_ms=ends[0],
            end_ms=ends[1],
            target=str(target),
            bounds=bounds,
        )

    def _bounds(self, asked: Asked | None) -> Bounds:
        settings = self._settings
        rows = settings.query_rows if asked is None or asked.rows is None else asked.rows
        return Bounds(
            seconds=settings.query_s,
            memory_octets=settings.query_memory_octets,
            threads=settings.query_threads,
            rows=rows,
            octets=settings.query_octets,
        )


def _texts(files: Sequence[Path]) -> tuple[str, ...]:
    return tuple(str(each) for each in files)


async def in_thread(work: Callable[[], Said]) -> Said:
    """Run it in a thread of its own: the process that it begins ends with that thread, and no pool's."""
    future: Future[Said] = Future()

    def target() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  (it goes to who waits)
            future.set_exception(error)

    threading.Thread(target=target, name="lake-question", daemon=True).start()
    return await asyncio.wrap_future(future)

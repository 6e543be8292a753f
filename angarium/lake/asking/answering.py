"""Answers a question in SQL: which files it is about, those of them that are in the bucket only, a tenant's rows alone.

Invariant LQ1: what answers a tenant's question can open no file that has another one's rows: of files with rows of
several tenants a copy is made first, by SQL of ours, that has the tenant's only.
"""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

import msgspec

from angarium.config.schema import Config, Lake
from angarium.lake.asking.question import Ask, Bounds, Extract, Given, Problem, Said
from angarium.lake.asking.running import run
from angarium.lake.bucket_copy import BucketCopy
from angarium.lake.catalogue import Catalogue
from angarium.lake.folder import Folder, lake_folder, translating
from angarium.lake.model import LakeAwayError, LakeFile

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
            problem = await self._have_here(catalogue, files)
        finally:
            catalogue.close()
        return problem or await in_thread(lambda: self._answer(asked, files))

    async def _have_here(self, catalogue: Catalogue, files: Sequence[LakeFile]) -> Problem | None:
        away = await asyncio.to_thread(self._away, files)
        if not away:
            return None
        if self._settings.bucket is None:
            raise LakeAwayError(f"{away[0].path} is not here, and [lake] names no bucket")
        octets = sum(each.octets for each in away)
        if octets > self._settings.cache_octets:
            text = (
                f"{octets} octets of it are in the bucket only, more than lake.cache_octets:"
                " ask about less time"
            )
            return Problem(kind="size", text=text)
        # So that nobody lets them go meanwhile
        now_ms = time.time_ns() // 1_000_000
        await asyncio.to_thread(catalogue.use, files, now_ms)
        await BucketCopy(self._settings, self._folder, catalogue).fetch(away)
        return None

    def _away(self, files: Sequence[LakeFile]) -> list[LakeFile]:
        return [
            each
            for each in files
            if each.is_remote and not (each.is_local and self._folder.locate(each.path).exists())
        ]

    def _answer(self, asked: Asked, files: Sequence[LakeFile]) -> Said:
        if asked.tenant is None:
            return run(self._question(asked, [self._folder.locate(each.path) for each in files]))
        own = [self._folder.locate(each.path) for each in files if each.tenant is not None]
        mixed = [self._folder.locate(each.path) for each in files if each.tenant is None]
        if not mixed:
            return run(self._question(asked, own))
        place = self._folder.unfinished()
        with translating(place):
            place.mkdir(mode=0o700)
        try:
            target = place / "own.parquet"
            said = run(self._extraction(asked.tenant, mixed, target))
            if isinstance(said, Problem):
                return said
            return run(self._question(asked, [*own, target]))  # LQ1
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _question(self, asked: Asked, files: Sequence[Path]) -> Given:
        bounds = self._bounds(asked)
        target = None
        if asked.target is not None:
            target = str(asked.target)
            bounds = msgspec.structs.replace(bounds, octets=_TARGET_OCTETS)
        return Ask(sql=asked.sql, files=_texts(files), bounds=bounds, target=target)

    def _extraction(self, tenant: str, files: Sequence[Path], target: Path) -> Given:
        bounds = msgspec.structs.replace(self._bounds(None), octets=_EXTRACT_OCTETS)
        return Extract(tenant=tenant, files=_texts(files), target=str(target), bounds=bounds)

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

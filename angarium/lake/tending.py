"""What the lake needs besides new events: hours and days compacted, old ones let go, files in the bucket, room on disk.

One step is small: a file, or the files of an hour or a day.
"""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from angarium.config.lake import Lake
from angarium.host.priority import step_back
from angarium.lake.bucket_copy import BucketCopy
from angarium.lake.catalogue import Catalogue
from angarium.lake.compacting import KEPT_MS, Compaction
from angarium.lake.engine import Engine
from angarium.lake.folder import Folder, translating
from angarium.lake.model import DAY_HOURS, HOUR_MS, LakeAwayError
from angarium.queue.model import UnixMs
from angarium.telemetry.log import log

T = TypeVar("T")
_DAY_MS: Final = DAY_HOURS * HOUR_MS
# Ours: between two steps, for whoever else wants disk and processor
_PAUSE_S: Final = 0.02
# Ours: files let go in one transaction
_FORGET_STEP: Final = 50
_EVICT_STEP: Final = 50
# Ours: files of hours are here for so long in any case, as long as their day may become one
_HOURS_KEPT: Final = 3 * DAY_HOURS


class Tending:
    """Raises nothing: what does not work is logged once, and tried again at the next round."""

    def __init__(
        self,
        settings: Lake,
        folder: Folder,
        catalogue: Catalogue,
        engine: Engine,
        clock: Callable[[], UnixMs],
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._catalogue = catalogue
        self._compaction = Compaction(folder, catalogue, engine)
        self._clock = clock
        self._thread = ThreadPoolExecutor(
            1, thread_name_prefix="lake-tending", initializer=step_back
        )
        self._failing: set[str] = set()

    def exchange(self, settings: Lake) -> None:
        self._settings = settings

    def close(self) -> None:
        self._thread.shutdown()

    async def round(self) -> None:
        """Do what is due."""
        for name, work in (
            ("lake_not_compacted", self.compact),
            ("lake_not_trimmed", self.forget_old),
            ("lake_bucket_failed", self.tend_bucket),
            ("lake_files_not_removed", self.remove_gone),
        ):
            try:
                await work()
            except (LakeAwayError, OSError) as error:
                if name not in self._failing:
                    log(name, "error", reason=str(error))
                self._failing.add(name)
            else:
                self._failing.discard(name)

    async def compact(self) -> None:
        after_ms = int(self._settings.compact_after_s * 1000)
        due = await self._run(lambda: self._compaction.due(self._clock(), after_ms))
        for hour in due:
            await self._run(functools.partial(self._compaction.compact, hour, self._clock()))
            await asyncio.sleep(_PAUSE_S)
        days = await self._run(lambda: self._compaction.due_days(self._clock(), after_ms))
        for day in days:
            await self._run(functools.partial(self._compaction.compact_day, day, self._clock()))
            await asyncio.sleep(_PAUSE_S)

    async def forget_old(self) -> None:
        end = (self._clock() - self._settings.keep_days * _DAY_MS) // HOUR_MS
        more = True
        while more:
            more = await self._run(lambda: self._forget_step(end))
            await asyncio.sleep(_PAUSE_S)

    async def tend_bucket(self) -> None:
        if self._settings.bucket is None:
            return
        copy = BucketCopy(self._settings, self._folder, self._catalogue)
        more = True
        while more:
            more = bool(await copy.send())
            more |= await self._run(self._evict_step)
            await asyncio.sleep(_PAUSE_S)

    async def remove_gone(self) -> None:
        gone = await self._run(lambda: self._catalogue.gone(self._clock()))
        for each in gone:
            with translating(self._folder.path):
                await self._run(functools.partial(self._folder.remove, each.path))
        if not gone:
            return
        if self._settings.bucket is not None:
            await BucketCopy(self._settings, self._folder, self._catalogue).remove(gone)
            return
        for each in gone:
            if each.is_remote:
                log("lake_file_left_in_bucket", "warning", key=each.path)
            await self._run(functools.partial(self._catalogue.removed, each.path))

    def _forget_step(self, end_hour: int) -> bool:
        with self._folder.rewriting():
            old = self._catalogue.files_before(end_hour, _FORGET_STEP)
            if old:
                self._catalogue.forget(old, self._clock() + KEPT_MS)
        return len(old) == _FORGET_STEP

    def _evict_step(self) -> bool:
        """Let some files go here that are in the bucket, where there are more than are to be kept."""
        too_much = self._catalogue.sizes()[3] - self._settings.cache_octets
        if too_much <= 0:
            return False
        now = self._clock()
        hour = now // HOUR_MS - _HOURS_KEPT
        found = self._catalogue.least_used(now - KEPT_MS, hour, _EVICT_STEP)
        for each in found:
            if too_much <= 0:
                return False
            # First here, or a crash would leave it to nobody: what is not here is fetched, where it is asked for
            self._catalogue.set_local(each.id, is_local=False)
            self._folder.remove(each.path)
            too_much -= each.octets
        return bool(found)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

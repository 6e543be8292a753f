"""Brings events into the lake, in the process that writes it, and tends its files: in threads of its own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from angarium.config.schema import Config
from angarium.history.story import Introductions
from angarium.host.priority import step_back
from angarium.lake.bucket_copy import has_lake_files
from angarium.lake.catalogue import Catalogue
from angarium.lake.engine import Engine
from angarium.lake.folder import Folder, lake_folder
from angarium.lake.labels import FindAccepted, LabelFinder
from angarium.lake.model import RebuildNeededError
from angarium.lake.opening import NEEDS, begins_anew, open_for_writing
from angarium.lake.tending import Tending
from angarium.lake.writing import LakeWriter
from angarium.queue import EventCursor, EventLog, Position, UnixMs
from angarium.service.platform.event_follower import KeptBack
from angarium.telemetry.log import log
from angarium.telemetry.metrics import Metrics

T = TypeVar("T")
LAKE: Final = "lake"
ROUND_S: Final = 30.0
_QUEUE_OCTETS: Final = 16
# Ours: rows that wait take no more, however many they may be
_WAITING_OCTETS: Final = 64 * 1024 * 1024


class LakeFollower:
    """An EventConsumer. Its state in the queue is the queue's identity, which never changes.

    Invariant LK1: what waits in memory is bounded; where it cannot be written and the log has more than it is to keep,
    the oldest is given up, which is logged and counted.
    """

    def __init__(
        self,
        config: Config,
        events: EventLog,
        introductions: Introductions | None,
        find_accepted: FindAccepted,
        clock: Callable[[], UnixMs],
        random_octets: Callable[[int], bytes],
        metrics: Metrics,
    ) -> None:
        self._config = config
        self._events = events
        self._labels = LabelFinder(introductions, find_accepted)
        self._clock = clock
        self._random_octets = random_octets
        self._metrics = metrics
        self._folder = Folder(lake_folder(config))
        self._thread = ThreadPoolExecutor(
            1, thread_name_prefix="lake-writer", initializer=step_back
        )
        self._opened: tuple[Catalogue, Engine, LakeWriter] | None = None
        self._begun = asyncio.Event()
        self._refused: RebuildNeededError | None = None
        self._since: UnixMs | None = None  # when the first of what waits came

    @property
    def name(self) -> str:
        return LAKE

    def exchange(self, config: Config) -> None:
        """Go by this from now on: after a reload."""
        self._config = config

    async def begin(self, cursor: EventCursor) -> int:
        queue = cursor.state
        if not queue:
            queue = self._random_octets(_QUEUE_OCTETS)
            # Before it is in the catalogue: one that nobody knows would be another queue's
            await self._events.ack(LAKE, cursor.position, queue)
        await self._check_bucket()
        newest = self._events.last()
        begun = await self._in_thread(lambda: self._open().begin(queue, newest))
        self._begun.set()
        return begun

    async def handle(self, batch: Sequence[Position]) -> KeptBack | None:
        labels = await self._labels.find(batch)
        await self._in_thread(lambda: self._open().add(batch, labels))
        writer = self._writer()
        if writer.waiting and self._since is None:
            self._since = self._clock()
        if not self._is_due(writer):
            return KeptBack.YES if writer.waiting else None
        try:
            await self._in_thread(lambda: writer.flush(self._clock()))
        except OSError as error:
            if self._events.last() - writer.position <= self._config.queue.event_limit:
                raise
            # LK1: else the log would fill the queue's disk, and mail with it
            first, last = writer.position + 1, writer.give_up()
            log("lake_events_lost", "error", first=first, last=last, reason=str(error))
        self._since = None
        return None

    async def tend(self) -> None:
        """Do what the files need, now and then, until cancelled."""
        await self._begun.wait()
        catalogue = await self._in_thread(lambda: Catalogue(self._folder.path))
        engine = await self._in_thread(lambda: Engine(self._folder.unfinished()))
        tending = Tending(self._config.lake, self._folder, catalogue, engine, self._clock)
        try:
            while True:
                tending.exchange(self._config.lake)
                await tending.round()
                await self._measure(catalogue)
                await asyncio.sleep(ROUND_S)
        finally:
            tending.close()
            engine.close()
            catalogue.close()

    async def close(self) -> None:
        """Write what waits: it is not acknowledged, and comes again where that fails."""
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def _check_bucket(self) -> None:
        """What is there and not known here would be written over in time. Raises LakeAwayError."""
        settings = self._config.lake
        if settings.bucket is None or not await self._in_thread(lambda: begins_anew(self._folder)):
            return
        if await has_lake_files(settings):
            raise RebuildNeededError(NEEDS.format("the bucket has some, too"))

    def _is_due(self, writer: LakeWriter) -> bool:
        settings = self._config.lake
        if self._since is None:
            return False
        return (
            writer.waiting >= settings.flush_rows
            or writer.octets >= _WAITING_OCTETS  # LK1
            or self._clock() - self._since >= settings.flush_s * 1000
        )

    async def _measure(self, catalogue: Catalogue) -> None:
        files, _, octets, _ = await self._in_thread(catalogue.sizes)
        self._metrics.queue.lake_files.set(files)
        self._metrics.queue.lake_size.set(octets)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _writer(self) -> LakeWriter:
        assert self._opened is not None
        return self._opened[2]

    def _open(self) -> LakeWriter:
        """In the writer's thread."""
        if self._refused is not None:
            raise self._refused  # each look reads all files
        if self._opened is None:
            try:
                catalogue, engine = open_for_writing(self._folder, self._clock())
            except RebuildNeededError as error:
                self._refused = error
                raise
            self._opened = (catalogue, engine, LakeWriter(self._folder, catalogue, engine))
        return self._opened[2]

    def _close(self) -> None:
        if self._opened is None:
            return
        catalogue, engine, writer = self._opened
        try:
            writer.flush(self._clock())
        except OSError as error:
            log("lake_failed", "warning", reason=str(error))
        engine.close()
        catalogue.close()

"""The composition root of what the platform process does with reports of receivers: reads, asks, counts, forgets."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Final

from angarium.config.schema import Config
from angarium.queue import LmdbSpool, UnixMs
from angarium.receiver_reports.report_file import FILE_NAME, ReportFile, ReportsAwayError
from angarium.receiver_reports.writing import ReportWriter
from angarium.service.platform.came_back_follower import CameBackFollower
from angarium.service.platform.delivery_finder import DeliveryFinder
from angarium.service.platform.receiver_poll import ReceiverPoll
from angarium.service.platform.receiver_watch import ReceiverWatch
from angarium.service.runtime import Runtime
from angarium.telemetry.log import log

FORGET_S: Final = 3600.0
# Between two small steps, for whoever reads and writes
FORGET_PAUSE_S: Final = 0.05
_DAY_MS: Final = 86_400_000


class ReceiverParts:
    def __init__(self, runtime: Runtime, spool: LmdbSpool, finder: DeliveryFinder) -> None:
        self._config = runtime.config
        self._clock = runtime.clock
        self._local = threading.local()
        self._files: list[ReportFile] = []
        self.watch: Final = ReceiverWatch(
            runtime.config,
            spool.reports,
            lambda: ReportWriter(self._file()),
            runtime.clock,
            runtime.metrics,
        )
        self.poll: Final = ReceiverPoll(runtime.config, self._file, runtime.clock, runtime.metrics)
        # Nobody tells of anything where nothing comes back
        self.follower: Final = (
            CameBackFollower(
                runtime.config,
                spool.events,
                finder,
                self._file,
                os.urandom,
            )
            if runtime.config.takes_reports
            else None
        )

    def exchange(self, config: Config) -> None:
        """Go by this from now on."""
        self._config = config
        self.poll.exchange(config)
        if self.follower is not None:
            self.follower.exchange(config)

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.watch.run())
            tasks.create_task(self.poll.run())
            tasks.create_task(self._forget_old())

    async def close(self) -> None:
        for each in self._files:
            await asyncio.to_thread(each.close)

    async def _forget_old(self) -> None:
        while True:
            keep_ms = self._config.receiver_reports.keep_days * _DAY_MS
            try:
                await self._forget(UnixMs(self._clock() - keep_ms))
            except ReportsAwayError as error:
                log("receiver_reports_not_trimmed", "error", reason=str(error))
            await asyncio.sleep(FORGET_S)

    async def _forget(self, before: UnixMs) -> None:
        is_more = True
        while is_more:
            is_more = await asyncio.to_thread(self._forget_step, before)
            await asyncio.sleep(FORGET_PAUSE_S)

    def _forget_step(self, before: UnixMs) -> bool:
        if not (Path(self._config.server.data_dir) / FILE_NAME).exists():
            return False  # nobody has brought anything
        return ReportWriter(self._file()).forget(before)

    def _file(self) -> ReportFile:
        """Return this thread's: a transaction is of one thread. Raises ReportsAwayError."""
        found: ReportFile | None = getattr(self._local, "file", None)
        if found is None:
            found = self._local.file = ReportFile(Path(self._config.server.data_dir))
            self._files.append(found)
        return found

"""Removes uploads that nobody touched for long, and what crashes left of others."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from angarium.config.schema import Config
from angarium.queue import UnixMs
from angarium.telemetry.log import log, log_exception
from angarium.uploads import UploadStore, uploads_directory

SWEEP_S: Final = 600.0


class UploadSweep:
    def __init__(self, config: Config, clock: Callable[[], UnixMs]) -> None:
        self._settings = config.uploads
        self._store = UploadStore(uploads_directory(Path(config.server.data_dir)), clock)

    def exchange(self, config: Config) -> None:
        """Go by this from now on."""
        self._settings = config.uploads

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                if removed := await asyncio.to_thread(self.sweep):
                    log("uploads_removed", uploads=removed)
            except Exception:  # noqa: BLE001  (periodic: the next time may do)
                log_exception("uploads_not_swept")
            await asyncio.sleep(SWEEP_S)

    def sweep(self) -> int:
        """Return how many were removed. Blocks on disk."""
        return self._store.sweep(
            incomplete_ms=int(self._settings.incomplete_s * 1000),
            complete_ms=int(self._settings.complete_s * 1000),
        )

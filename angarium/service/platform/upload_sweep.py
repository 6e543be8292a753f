"""Removes uploads that nobody touched for long, also out of their bucket, and what crashes left of others."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from angarium.config.schema import Config
from angarium.queue import UnixMs
from angarium.telemetry.log import log, log_exception
from angarium.uploads import UploadStore, uploads_directory
from angarium.uploads.bucket.clearing import clear
from angarium.uploads.model import BucketError

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
                await self.clear()
            except BucketError as error:
                log("bucket_failed", "warning", problem=error.reason)
            except Exception:  # noqa: BLE001  (periodic: the next time may do)
                log_exception("uploads_not_swept")
            await asyncio.sleep(SWEEP_S)

    async def clear(self) -> None:
        """Have what was removed out of its bucket. Raises BucketError: later, then."""
        gone = await asyncio.to_thread(self._store.gone)
        for each in await clear(self._store, self._settings, gone):
            log("upload_left_in_bucket", "warning", bucket=each.object.bucket, key=each.object.key)

    def sweep(self) -> int:
        """Return how many were removed. Blocks on disk."""
        return self._store.sweep(
            incomplete_ms=int(self._settings.incomplete_s * 1000),
            complete_ms=int(self._settings.complete_s * 1000),
        )

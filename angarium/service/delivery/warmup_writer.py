"""Writes down how far warm-ups have come, before what is reserved by it is used."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

from angarium.queue import QueueError, QueueFullError
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.keepsakes import Keepsakes
from angarium.reputation.warmups import Warmups, keepsakes_of
from angarium.telemetry import log, log_exception

# Between two writes: each is a commit
WRITE_EVERY_S: Final = 1.0


class WarmupWriter:
    """The owner, in one delivery process, of the keepsakes of its warm-ups."""

    def __init__(self, warmups: Warmups, keepsakes: Keepsakes) -> None:
        self._warmups = warmups
        self._keepsakes = keepsakes
        self._wanted = asyncio.Event()

    def reserve(self) -> None:
        """Something has changed; it is written at once, or a second after the last time."""
        self._wanted.set()

    async def run(self) -> None:
        """Write what changes, until cancelled or the disk fails: then nobody sends anyway. Raises nothing else."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.write()
            except QueueFullError:
                self._wanted.set()
            except QueueError as error:
                log("warmup_not_written", "error", reason=str(error))
                return
            except Exception as error:  # noqa: BLE001  (a task boundary)
                log_exception("internal_error", error, where="warmup")
                self._wanted.set()
            await asyncio.sleep(WRITE_EVERY_S)

    async def close(self) -> None:
        """Write what it came to at the end, so that nothing of the hour is lost."""
        with contextlib.suppress(QueueError):
            await self.write(final=True)

    async def write(self, events: Sequence[CataloguedKind] = (), *, final: bool = False) -> None:
        """It is on disk on return, with these events.

        Raises QueueFullError and QueueFailedError: then it will be tried again, without them.
        """
        records = self._warmups.changes(final=final)
        if not records and not events:
            return
        try:
            await self._keepsakes.write(keepsakes_of(records), events)
        except BaseException:
            self._warmups.not_written(records)
            raise
        self._warmups.written(records)

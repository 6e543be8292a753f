"""The outbox as requests reach it: what fails there is told as a fault."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.telemetry.log import log
from angarium.webhooks.outbox import FILE_NAME, Outbox, OutboxError
from angarium.webhooks.outbox_thread import OutboxThread

T = TypeVar("T")


class OutboxAccess:
    """One of an ingress process. The courier, in the platform process, sees what is changed here."""

    def __init__(self, data_dir: Path) -> None:
        self._thread = OutboxThread(data_dir / FILE_NAME)

    async def run(self, act: Callable[[Outbox], T]) -> T:
        """Return what ``act`` does. Raises FaultError: BUSY."""
        try:
            return await self._thread.run(act)
        except (OutboxError, sqlite3.Error) as error:
            log("webhooks_outbox_failed", "error", problem=str(error))
            text = "The deliveries of webhooks cannot be read now; nothing was changed, try again"
            fault = Fault(kind=FaultKind.BUSY, message=text, retry_after_s=1)
            raise FaultError(fault) from None

    def close(self) -> None:
        self._thread.close()

"""Tells of smart hosts that rest, and of those that are back: by events, the log and metrics."""

import asyncio
from typing import Final

from angarium.queue import (
    MessageId,
    QueueError,
    QueueFullError,
    SmartHostBack,
    SmartHostRested,
    UnixMs,
)
from angarium.queue.keepsakes import Keepsakes
from angarium.reputation.smart_host_rests import Change, SmartHostRests
from angarium.telemetry import log
from angarium.telemetry.metrics import Metrics

EVERY_S: Final = 1.0
_ABOUT_NO_MESSAGE: Final = MessageId(b"")


class SmartHostTeller:
    """Of one delivery process. What it had not told when the process ended is lost: it is seen anew."""

    def __init__(self, rests: SmartHostRests, keepsakes: Keepsakes) -> None:
        self._rests = rests
        self._keepsakes = keepsakes
        self._untold: list[SmartHostRested | SmartHostBack] = []

    async def run(self) -> None:
        """Write until cancelled, or until the disk fails: then nobody sends anyway."""
        while True:
            await asyncio.sleep(EVERY_S)
            for change in self._rests.take_changes():
                log(
                    "smart_host_back" if change.is_back else "smart_host_rested",
                    "info" if change.is_back else "warning",
                    host=change.rest.way,
                    reason=change.rest.reason,
                )
                self._untold.append(_event(change))
            if not self._untold:
                continue
            try:
                await self._keepsakes.write({}, self._untold)
            except QueueFullError:
                continue  # the next time may do
            except QueueError as error:
                log("rules_not_written", "error", reason=str(error))
                return
            self._untold = []

    def follow(self, metrics: Metrics) -> None:
        """Bring the gauge up to date."""
        metrics.smart_hosts_resting.set(len(self._rests.rests()))


def _event(change: Change) -> SmartHostRested | SmartHostBack:
    rest, at = change.rest, UnixMs(change.at)
    if change.is_back:
        return SmartHostBack(
            at=at, message_id=_ABOUT_NO_MESSAGE, way=rest.way, since=UnixMs(rest.since)
        )
    return SmartHostRested(
        at=at,
        message_id=_ABOUT_NO_MESSAGE,
        way=rest.way,
        reason=rest.reason,
        failures=rest.failures,
        until=UnixMs(rest.until),
    )

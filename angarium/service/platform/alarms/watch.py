"""Looks at all that alarms are raised of, now and then; has written what follows, and told whom it concerns."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from angarium.alarms.alarm import Alarm
from angarium.alarms.catalogue import alarms_of, find_about
from angarium.alarms.evaluation import Transition
from angarium.alarms.reading import Measured
from angarium.alarms.wording import reason_text
from angarium.config.schema import Config
from angarium.queue import QueueFailedError, UnixMs
from angarium.service.platform.alarms.keeper import BoardKeeper
from angarium.telemetry import log, log_exception
from angarium.telemetry.alarm_metrics import AlarmMetrics

Measure = Callable[[Sequence[Alarm], UnixMs], Awaitable[Mapping[str, Measured]]]


class AlarmWatch:
    def __init__(
        self,
        config: Config,
        keeper: BoardKeeper,
        measure: Measure,
        clock: Callable[[], UnixMs],
        metrics: AlarmMetrics,
        wake: Callable[[], None],
    ) -> None:
        """``wake`` is called when there is something to be told."""
        self._config = config
        self._alarms = alarms_of(config.alarm) if config.alarms.enabled else ()
        self._keeper = keeper
        self._measure = measure
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self._left_off = 0

    @property
    def alarms(self) -> Sequence[Alarm]:
        """Those that are looked for."""
        return self._alarms

    def exchange(self, config: Config) -> None:
        """Go by this from now on."""
        self._config = config
        self._alarms = alarms_of(config.alarm) if config.alarms.enabled else ()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._config.alarms.every_s)
            try:
                await self.look()
            except QueueFailedError:
                raise
            except Exception as error:  # noqa: BLE001  (periodic: the next time may do)
                log_exception("internal_error", error, where="alarms")

    async def look(self) -> None:
        """Look once; what has changed is on disk on return. Raises QueueFailedError."""
        began = time.monotonic()
        now = self._clock()
        measured = await self._measure(self._alarms, now)
        change = self._keeper.board.look(measured, now, self._config.alarms.keep)
        await self._keeper.write(change.keepsakes, change.transitions)
        for each in change.transitions:
            _log(each)
        if change.left_off and not self._left_off:
            log("alarms_left_off", "warning", subjects=change.left_off)
        self._left_off = change.left_off
        self._show()
        if change.notices:
            self._wake()
        self._metrics.look_time.observe(time.monotonic() - began)

    def _show(self) -> None:
        raised = Counter((each.alarm, str(each.severity)) for each in self._keeper.board.raised)
        # Those that are not raised, too: a graph of nothing is no graph
        shown = dict.fromkeys(((each.name, str(each.severity)) for each in self._alarms), 0)
        shown.update(raised)
        self._metrics.show(shown)


def _log(transition: Transition) -> None:
    raised = transition.raised
    level = "info" if transition.what == "ended" else "warning"
    log(
        f"alarm_{transition.what}",
        level,
        alarm=raised.alarm,
        subject=raised.subject.text,
        severity=raised.severity,
        id=raised.id,
        reason=reason_text(raised, find_about(raised.alarm)),
    )

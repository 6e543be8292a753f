"""Has the counters counted anew, in the process that writes them."""

from typing import Final

from angarium.analytics import CountersAwayError
from angarium.analytics.keeping import CounterKeeper
from angarium.analytics.rebuilding import NOTHING_KEPT, NothingKept, Rebuilt
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.rebuilding import RebuildCounters, Recounted
from angarium.service.admin_socket import Asker, Handlers
from angarium.telemetry.log import log

# Between two words of how far it is
_EVENTS: Final = 50_000


class AnalyticsAnswers:
    def __init__(self, counters: CounterKeeper | None) -> None:
        """``counters``: None where nothing is counted."""
        self._counters = counters

    def handlers(self) -> Handlers:
        return Handlers().on(RebuildCounters, self.rebuild)

    async def rebuild(self, _: RebuildCounters, asker: Asker) -> Rebuilt | Refused:
        if self._counters is None:
            return Refused("failed", "this server counts nothing ([analytics] counts)")
        told = 0

        def tell(events: int) -> None:
            nonlocal told
            if events - told >= _EVENTS:
                told = events
                asker.hand(Recounted(events))

        log("analytics_rebuild_begun", by=asker.name)
        try:
            rebuilt = await self._counters.rebuild(tell)
        except CountersAwayError as error:
            return Refused("failed", f"{error}; nothing was changed")
        if isinstance(rebuilt, NothingKept):
            return Refused("failed", NOTHING_KEPT)
        log("analytics_rebuilt", by=asker.name, events=rebuilt.events, changed=rebuilt.changed)
        return rebuilt

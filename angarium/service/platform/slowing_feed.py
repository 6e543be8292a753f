"""Has delivery processes slow down whom the breaker warns of complaints. In the platform process."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from angarium.insight.admin.complaints import SlowSenders
from angarium.reputation.slowing import Slowing
from angarium.service.platform.complaint_feed import TOLD_AT_ONCE, NotHeardError
from angarium.service.platform.event_follower import NotNowError
from angarium.telemetry import log

# Between two looks. Ours: complaints take hours to come
LOOK_EVERY_S: Final = 0.5


class SlowingFeed:
    """In memory: what was not told when we died is told with the next complaint."""

    def __init__(
        self,
        take: Callable[[], Sequence[Slowing]],
        tell: Callable[[SlowSenders], Awaitable[None]],
    ) -> None:
        """``take``: takes those that nobody was told of; ``tell`` raises NotHeardError and NotNowError."""
        self._take = take
        self._tell = tell

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.tell()

    async def tell(self) -> None:
        """Have all delivery processes hear of what there is. Who does not answer for long is logged, and not told."""
        slowings = self._take()
        for start in range(0, len(slowings), TOLD_AT_ONCE):
            try:
                await self._tell(SlowSenders(tuple(slowings[start : start + TOLD_AT_ONCE])))
            except NotNowError:
                return
            except NotHeardError as error:
                log("senders_not_slowed", "warning", reason=str(error))

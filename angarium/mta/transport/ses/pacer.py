"""Spaces calls out as they leave: what was let go at its time may have waited for a connection since, with others."""

import asyncio
from collections.abc import Callable

from angarium.config.quantity import Rate


class Pacer:
    """Of all connections of a process; ``rate`` is asked for each time."""

    def __init__(self, rate: Callable[[], Rate]) -> None:
        self._rate = rate
        self._free_at = 0.0  # by the loop's clock

    async def turn(self, recipients: int) -> None:
        """Return when a call for so many recipients may leave; those that come later leave later."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._free_at)
        self._free_at = at + recipients * self._rate().interval_us / 1_000_000
        if at > now:
            await asyncio.sleep(at - now)

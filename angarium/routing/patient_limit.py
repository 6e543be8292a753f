"""Bounds what is under way at once, so that the slow do not keep the fast waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PATIENCE_S: Final = 1.0  # ours: a nameserver that answers does so within it
SLOW: Final = (
    4  # ours: so many times as many slow ones may be under way besides; each costs a socket
)


class PatientLimit:
    """Belongs to one event loop.

    Invariant: at most ``limit`` of the quick are under way, and at most ``SLOW * limit`` of the slow. Who takes longer
    than ``patience_s`` counts as slow from then on, if there are fewer.
    """

    def __init__(self, limit: int, patience_s: float = PATIENCE_S) -> None:
        self._quick = asyncio.Semaphore(limit)
        self._slow_left = SLOW * limit
        self._patience_s = patience_s

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and be under way meanwhile."""
        await self._quick.acquire()
        turn = _Turn(self)
        try:
            yield
        finally:
            turn.end()

    def take_slow(self) -> bool:
        if not self._slow_left:
            return False
        self._slow_left -= 1
        self._quick.release()
        return True

    def end(self, *, slow: bool) -> None:
        if slow:
            self._slow_left += 1
        else:
            self._quick.release()

    @property
    def patience_s(self) -> float:
        return self._patience_s


class _Turn:
    def __init__(self, limit: PatientLimit) -> None:
        self._limit = limit
        self._is_slow = False
        self._wait()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._limit.patience_s, self._move)

    def _move(self) -> None:
        self._is_slow = self._limit.take_slow()
        if not self._is_slow:
            self._wait()

    def end(self) -> None:
        self._timer.cancel()
        self._limit.end(slow=self._is_slow)

"""Bounds what is under way at once, so that the slow do not keep the fast waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PATIENCE_S: Final = 1.0  # ours: a nameserver that answers does so within it
# Ours: so many times as many slow ones may be under way besides; each costs a socket.
SLOW: Final = 4


class PatientRoom:
    """Belongs to one event loop.

    Invariant: at most ``limit`` hold a place for the quick, and at most ``SLOW * limit`` one for the slow. Who takes
    longer than ``patience_s`` moves over, as long as there is room.
    """

    def __init__(self, limit: int, patience_s: float = PATIENCE_S) -> None:
        self._quick = asyncio.Semaphore(limit)
        self._slow_left = SLOW * limit
        self._patience_s = patience_s

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, and hold one meanwhile."""
        await self._quick.acquire()
        place = _Place(self)
        try:
            yield
        finally:
            place.leave()

    def take_slow(self) -> bool:
        if not self._slow_left:
            return False
        self._slow_left -= 1
        self._quick.release()
        return True

    def leave(self, *, slow: bool) -> None:
        if slow:
            self._slow_left += 1
        else:
            self._quick.release()

    @property
    def patience_s(self) -> float:
        return self._patience_s


class _Place:
    def __init__(self, room: PatientRoom) -> None:
        self._room = room
        self._is_slow = False
        self._wait()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._room.patience_s, self._move)

    def _move(self) -> None:
        self._is_slow = self._room.take_slow()
        if not self._is_slow:
            self._wait()

    def leave(self) -> None:
        self._timer.cancel()
        self._room.leave(slow=self._is_slow)

"""Bounds what is under way at once, so that neither the slow nor the many keep others waiting."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from angarium.routing.fair_turns import Shares, Turns, Whose

PATIENCE_S: Final = 1.0  # ours: a nameserver that answers does so within it
# Ours: so many times as many slow ones may be under way besides; each costs a socket.
SLOW: Final = 4


class PatientLimit:
    """Belongs to one event loop. Paths are all of one length.

    Invariant PA1: at most ``limit`` of the quick are under way, and at most ``SLOW * limit`` of the slow. Who takes
    longer than ``patience_s`` counts as slow from then on, if its groups may have one more of these.
    Invariant PA2: both are shared as ``fair_turns.Shares`` says: nobody takes the last.
    """

    def __init__(self, limit: int, patience_s: float = PATIENCE_S) -> None:
        self._limit = limit
        self._quick = Shares()
        self._slow = Shares()
        self._waiting: Turns[Begin] = Turns()
        self.patience_s = patience_s

    @property
    def under_way(self) -> int:
        return self._quick.total + self._slow.total

    @asynccontextmanager
    async def turn(self, whose: Whose) -> AsyncIterator[None]:
        """Wait for a turn, and be under way meanwhile."""
        turn = await self.take(whose)
        try:
            yield
        finally:
            turn.end()

    async def take(self, whose: Whose) -> "Turn":
        """Wait for a turn, which is to be ended."""
        came: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self.ask(whose, came.set_result)
        try:
            return await came
        except asyncio.CancelledError:
            if came.cancelled():
                self.withdraw(whose, came.set_result)
            else:
                came.result().end()
            raise

    def ask(self, whose: Whose, begin: "Begin") -> None:
        """Have ``begin`` called with a turn, which is to be ended: at once, or when it comes. It must not raise."""
        if self._quick.allows(whose, self._limit - self._quick.total):
            begin(Turn(self, whose))
        else:
            self._waiting.add(whose, begin)

    def withdraw(self, whose: Whose, begin: "Begin") -> None:
        """Its turn is not waited for any more."""
        self._waiting.discard(whose, begin)

    # --- for turns

    def begin(self, whose: Whose) -> None:
        self._quick.take(whose)  # PA1

    def make_slow(self, whose: Whose) -> bool:
        """Count it as slow, if it may be."""
        if not self._slow.allows(whose, SLOW * self._limit - self._slow.total):
            return False
        self._slow.take(whose)
        self.end(whose, slow=False)
        return True

    def end(self, whose: Whose, *, slow: bool) -> None:
        if slow:
            self._slow.give_back(whose)
            return
        self._quick.give_back(whose)
        depth = len(whose)
        while (free := self._limit - self._quick.total) > 0:
            allows = partial(self._quick.allows_group, depth=depth, free=free)
            found = self._waiting.next(allows)  # PA2
            if found is None:
                return
            other, begin = found
            begin(Turn(self, other))


class Turn:
    """Under way, until ``end``."""

    def __init__(self, limit: PatientLimit, whose: Whose) -> None:
        self._limit = limit
        self._whose = whose
        self._is_slow = False
        limit.begin(whose)
        self._wait()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._limit.patience_s, self._move)

    def _move(self) -> None:
        self._is_slow = self._limit.make_slow(self._whose)
        if not self._is_slow:
            self._wait()

    def end(self) -> None:
        """Once."""
        self._timer.cancel()
        self._limit.end(self._whose, slow=self._is_slow)


Begin = Callable[[Turn], None]

"""One timer for all that our own policy keeps waiting."""

import asyncio
import heapq
from collections.abc import Callable
from typing import Protocol

from angarium.queue.model import UnixMs

# The wall clock counts whole milliseconds, the loop's does not: so much later it is over by both.
_ROUNDING_S = 0.001


class Waiter(Protocol):
    def wait_is_over(self) -> None: ...


class Waits:
    """Belongs to one event loop.

    Invariant WT1: there is at most one timer, for the first wait that ends.
    """

    def __init__(self, clock: Callable[[], UnixMs]) -> None:
        self._clock = clock
        self._first: dict[Waiter, float] = {}  # its first end, by the loop's clock
        # An entry that ``_first`` does not know any more is passed over
        self._ends: list[tuple[float, int, Waiter]] = []
        self._number = 0  # of an entry: those that end together are woken in turn
        self._timer: asyncio.TimerHandle | None = None
        self._timer_end: float | None = None

    def __len__(self) -> int:
        return len(self._first)

    def add(self, waiter: Waiter, until: UnixMs) -> None:
        """Call the waiter once, at ``until`` and never before. Of several, the first counts."""
        loop = asyncio.get_running_loop()
        end = loop.time() + max(until - self._clock(), 0) / 1000 + _ROUNDING_S
        known = self._first.get(waiter)
        if known is not None and known <= end:
            return
        self._first[waiter] = end
        self._number += 1
        heapq.heappush(self._ends, (end, self._number, waiter))
        self._set_timer(loop)

    def forget(self, waiter: Waiter) -> None:
        self._first.pop(waiter, None)

    def stop(self) -> None:
        """Nobody is woken any more."""
        self._first.clear()
        self._ends.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._ends and self._first.get(self._ends[0][2]) != self._ends[0][0]:
            heapq.heappop(self._ends)
        first = self._ends[0][0] if self._ends else None
        if self._timer is not None:
            if self._timer_end == first:
                return
            self._timer.cancel()
        self._timer_end = first
        self._timer = None if first is None else loop.call_at(first, self._end)  # WT1

    def _end(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        over: list[Waiter] = []
        now = loop.time() + _ROUNDING_S  # timers of some loops are early by a part of it
        while self._ends and self._ends[0][0] <= now:
            end, _, waiter = heapq.heappop(self._ends)
            if self._first.get(waiter) == end:
                del self._first[waiter]
                over.append(waiter)
        for waiter in over:
            waiter.wait_is_over()
        self._set_timer(loop)

"""How many connections may be open, over all and per source x provider. Pure; one per delivery process."""

from collections.abc import Callable
from typing import NamedTuple


class GateKey(NamedTuple):
    source: str
    provider: str


class ConnectionGate:
    """Invariant 6: ``open(key) <= limit`` given for it, and ``total <= limit`` in all, at every moment. After a limit
    was lowered, as many as are over it leave after their transfer, and none is opened.

    Who is refused waits in turn: when a connection closes, one waiter is called, and may try again.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit  # over all; may change at any time
        self._leaving: dict[GateKey, int] = {}  # of the open ones
        self._open: dict[GateKey, int] = {}
        self._total = 0
        self._waiting: dict[GateKey, dict[Callable[[], None], None]] = {}  # in order of arrival

    @property
    def total(self) -> int:
        return self._total

    @property
    def is_exhausted(self) -> bool:
        """Whether the limit over all is what keeps others waiting."""
        return self._total >= self.limit

    def open(self, key: GateKey) -> int:
        return self._open.get(key, 0)

    def is_awaited(self, key: GateKey, by_other_than: Callable[[], None]) -> bool:
        """Whether somebody else waits for a connection that closing one of this key would allow."""
        if any(each is not by_other_than for each in self._waiting.get(key, ())):
            return True
        return self.is_exhausted and any(other != key for other in self._waiting)

    def try_open(self, key: GateKey, limit: int, when_free: Callable[[], None]) -> bool:
        """Take a place, or be called at ``when_free`` once one is free."""
        if self._total >= self.limit or self._open.get(key, 0) >= limit:
            self._waiting.setdefault(key, {})[when_free] = None
            return False
        self._open[key] = self._open.get(key, 0) + 1
        self._total += 1
        return True

    def is_over(self, key: GateKey, limit: int) -> bool:
        """Whether more are open than ``limit`` now, or than the one over all, beside those that leave already."""
        here = self._open.get(key, 0)
        if here <= limit and self._total <= self.limit:  # nearly always
            return False
        return (
            here - self._leaving.get(key, 0) > limit
            or self._total - sum(self._leaving.values()) > self.limit
        )

    def leave(self, key: GateKey) -> None:
        """One of the open ones begins to close: it counts as too many no more. To be called by that one itself."""
        self._leaving[key] = self._leaving.get(key, 0) + 1

    def closed(self, key: GateKey) -> None:
        left = self._open[key] - 1
        if (leaving := self._leaving.pop(key, 0) - 1) > 0:
            self._leaving[key] = leaving
        if left:
            self._open[key] = left
        else:
            del self._open[key]
        self._total -= 1
        if key in self._waiting:
            self._call_next(key)
        if self._total == self.limit - 1:  # the limit over all kept others waiting, too
            for other in list(self._waiting):
                if self.is_exhausted:
                    break
                self._call_next(other)

    def forget(self, key: GateKey, when_free: Callable[[], None]) -> None:
        """It waits no longer."""
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.pop(when_free, None)
            if not waiting:
                del self._waiting[key]

    def _call_next(self, key: GateKey) -> None:
        waiting = self._waiting.get(key)
        if waiting is None:
            return
        call = next(iter(waiting))
        del waiting[call]
        if not waiting:
            del self._waiting[key]
        call()

"""Who waits for a rate gets a time of its own, in turn: not all are asked again for each one that may go. Pure.

Start with ``Appointments``; ``gcra`` has the rates. It knows nothing of what waits.
"""

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

from angarium.config.quantity import Rate
from angarium.reputation.gcra import KEYS, RateTable

K = TypeVar("K", bound=Hashable)  # what has a rate
W = TypeVar("W", bound=Hashable)  # who waits for it
# Of one key that are remembered; more wait all the same, in no order. Ours
WAITERS: Final = 10_000
# Who did not come to its time by then has nothing to send any more
GONE_MS: Final = 60_000
SWEEP_AT: Final = 64


class _Book(Generic[W]):
    __slots__ = ("last_us", "rate", "sweep_at", "until")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.until: dict[W, int] = {}  # the times that were given
        self.last_us = 0  # the last one, in microseconds
        self.sweep_at = SWEEP_AT


class Appointments(Generic[K, W]):
    """Invariant AP1: who comes at its time and finds that another was faster is the next; nobody waits for ever.

    Invariant AP2: as many times are given as the rate has, so asking costs the same for each that goes, however many
    wait.
    """

    def __init__(self) -> None:
        self._table: RateTable[K] = RateTable()
        self._books: dict[K, _Book[W]] = {}

    def find_end(
        self, key: K, rate: Rate, waiter: W, now: int, *, books: bool = True
    ) -> int | None:
        """Return until when (Unix milliseconds) the waiter has to wait; None: it may take one.

        ``books``: it comes then. Otherwise it has asked only, and is told when it may be at the soonest.
        """
        wait_ms = self._table.wait_ms(key, rate, now)
        if not wait_ms:
            return None
        if not books:
            return now + wait_ms
        book = self._books.get(key)
        if book is None or book.rate != rate:
            if len(self._books) >= KEYS:
                self._books.clear()
            book = self._books[key] = _Book(rate)
        first = now + wait_ms
        known = book.until.get(waiter)
        if known is not None and now < known <= self._latest(book, first):
            return known
        if known is not None:
            end = first  # AP1
        else:
            in_turn_us = max(first * 1000, book.last_us + rate.interval_us)  # AP2
            book.last_us = min(in_turn_us, self._latest(book, first) * 1000)
            end = -(-book.last_us // 1000)
        self._remember(book, waiter, end, now)
        return end

    def take(self, key: K, rate: Rate, waiter: W, now: int) -> None:
        """Count one."""
        self._table.take(key, rate, now)
        book = self._books.get(key)
        if book is not None:
            book.until.pop(waiter, None)
            if not book.until:
                del self._books[key]

    def _latest(self, book: _Book[W], first: int) -> int:
        """Later than this no time is right: a clock that stepped back, or who waited is gone."""
        return first + (len(book.until) + 1) * book.rate.interval_us // 1000 + 1

    def _remember(self, book: _Book[W], waiter: W, end: int, now: int) -> None:
        if waiter not in book.until:
            if len(book.until) >= min(book.sweep_at, WAITERS):
                gone = now - GONE_MS
                book.until = {each: until for each, until in book.until.items() if until > gone}
                book.sweep_at = max(SWEEP_AT, 2 * len(book.until))
            if len(book.until) >= WAITERS:
                return
        book.until[waiter] = end

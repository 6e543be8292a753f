"""A bounded cache whose entries end: least recently used go first. Pure: times are arguments.

Knows nothing of what it holds.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """Times are seconds of whatever monotonic clock the owner reads; it is a cache only, lost at no loss."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: K, now: float) -> V | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] <= now:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def find_with_end(self, key: K, now: float) -> tuple[V, float] | None:
        """Return the value and the time at which it ends."""
        value = self.find(key, now)
        return None if value is None else (value, self._entries[key][1])

    def put(self, key: K, value: V, end: float) -> None:
        self._entries[key] = (value, end)
        self._entries.move_to_end(key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        self._entries.pop(key, None)

    def clear(self) -> None:
        self._entries.clear()

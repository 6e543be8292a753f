"""Message octets that delivery holds in memory at once. Pure; one per delivery process."""

from collections.abc import Callable


class ContentBudget:
    """Invariant 8: ``used`` stays within ``limit``; a single message above it goes alone."""

    def __init__(self, limit: int, when_free: Callable[[], None]) -> None:
        self.limit = limit  # may change at any time
        self._used = 0
        self._refused = False
        self._when_free = when_free

    @property
    def used(self) -> int:
        return self._used

    def reserve(self, octets: int) -> bool:
        if self._used and self._used + octets > self.limit:
            self._refused = True
            return False
        self._used += octets
        return True

    def free(self, octets: int) -> None:
        self._used -= octets
        if self._refused and self._used <= self.limit // 2:
            self._refused = False
            self._when_free()

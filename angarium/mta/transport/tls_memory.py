"""Hosts whose TLS is broken, remembered for a while: opportunistic TLS does without it there (D6)."""

from collections.abc import Callable
from typing import Final

from angarium.queue.model import UnixMs

MAX_HOSTS: Final = 10_000  # ours; the oldest is forgotten


class TlsMemory:
    """In memory only: after a restart each host is tried once more."""

    def __init__(self, memory_s: float, clock: Callable[[], UnixMs]) -> None:
        self.remember_for(memory_s)
        self._clock = clock
        self._until: dict[tuple[str, str], UnixMs] = {}  # (host, address); oldest first

    def __len__(self) -> int:
        return len(self._until)

    def remember_for(self, memory_s: float) -> None:
        """What breaks from now on; of what is remembered longer, the rest is forgotten."""
        self._memory_ms = int(memory_s * 1000)

    def forget(self) -> None:
        self._until.clear()

    def is_broken(self, host: str, address: str) -> bool:
        until = self._until.get((host, address))
        if until is None:
            return False
        if until - self._memory_ms <= self._clock() < until:  # or the clock stepped back
            return True
        del self._until[host, address]
        return False

    def remember(self, host: str, address: str) -> None:
        self._until.pop((host, address), None)
        self._until[host, address] = UnixMs(self._clock() + self._memory_ms)
        if len(self._until) > MAX_HOSTS:
            del self._until[next(iter(self._until))]

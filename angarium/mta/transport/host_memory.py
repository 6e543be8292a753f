"""What a host has shown of itself, remembered for a while. A cache: lost with the process, bounded."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from angarium.queue.model import UnixMs

MAX_HOSTS: Final = 10_000  # ours; the oldest is forgotten

Shown = TypeVar("Shown")


class HostMemory(Generic[Shown]):
    """One value per address of a host, each for ``memory_s`` since it was last remembered."""

    def __init__(self, memory_s: float, clock: Callable[[], UnixMs]) -> None:
        self.remember_for(memory_s)
        self._clock = clock
        # (host, address); oldest first
        self._shown: dict[tuple[str, str], tuple[UnixMs, Shown]] = {}

    def __len__(self) -> int:
        return len(self._shown)

    def remember_for(self, memory_s: float) -> None:
        """What is shown from now on; of what is remembered longer, the rest is forgotten."""
        self._memory_ms = int(memory_s * 1000)

    def forget_all(self) -> None:
        self._shown.clear()

    def find(self, host: str, address: str) -> Shown | None:
        entry = self._shown.get((host, address))
        if entry is None:
            return None
        until, shown = entry
        if until - self._memory_ms <= self._clock() < until:  # or the clock stepped back
            return shown
        del self._shown[host, address]
        return None

    def remember(self, host: str, address: str, shown: Shown) -> None:
        self._shown.pop((host, address), None)
        self._shown[host, address] = (UnixMs(self._clock() + self._memory_ms), shown)
        if len(self._shown) > MAX_HOSTS:
            del self._shown[next(iter(self._shown))]

    def forget(self, host: str, address: str) -> None:
        if self._shown:
            self._shown.pop((host, address), None)

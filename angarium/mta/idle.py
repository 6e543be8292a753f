"""Connections that wait for their next message, so that one of them can make room for another. Pure."""

from collections.abc import Callable

from angarium.mta.gate import GateKey


class IdleConnections:
    """A cache of who is idle, oldest first; each entry is the callable that ends the wait."""

    def __init__(self) -> None:
        self._idle: dict[Callable[[], None], GateKey] = {}

    def __len__(self) -> int:
        return len(self._idle)

    def add(self, end_wait: Callable[[], None], key: GateKey) -> None:
        self._idle[end_wait] = key

    def discard(self, end_wait: Callable[[], None]) -> None:
        self._idle.pop(end_wait, None)

    def end_one(self, key: GateKey | None = None) -> bool:
        """End the oldest wait, of ``key`` if given; returns whether there was one."""
        for end_wait, its_key in self._idle.items():
            if key is None or its_key == key:
                del self._idle[end_wait]
                end_wait()
                return True
        return False

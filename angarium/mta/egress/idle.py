"""Connections that wait for their next message, so that one of them can make room for another. Pure."""

from collections.abc import Callable

from angarium.mta.egress.gate import GateKey


class IdleConnections:
    """A cache of who is idle, oldest first; each entry is the callable that ends the wait."""

    def __init__(self) -> None:
        self._idle: dict[Callable[[], None], tuple[GateKey, object]] = {}

    def __len__(self) -> int:
        return len(self._idle)

    def add(self, end_wait: Callable[[], None], key: GateKey, owner: object) -> None:
        self._idle[end_wait] = (key, owner)

    def discard(self, end_wait: Callable[[], None]) -> None:
        self._idle.pop(end_wait, None)

    def end_one(self, key: GateKey | None, not_of: object | None) -> bool:
        """End the oldest wait, of ``key`` if given, but none of ``not_of`` if given; returns whether there was one."""
        for end_wait, (its_key, owner) in self._idle.items():
            if (not_of is None or owner is not not_of) and (key is None or its_key == key):
                del self._idle[end_wait]
                end_wait()
                return True
        return False

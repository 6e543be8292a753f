"""Keepsakes in memory, for tests."""

from collections.abc import Mapping, Sequence

from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.keepsakes import check_changes
from angarium.queue.memory.state import MemoryState


class MemoryKeepsakes:
    """Implements Keepsakes; the state survives a crash."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._kept = state.keepsakes

    def read(self, prefix: str) -> dict[str, bytes]:
        start = prefix.encode()
        return {
            key.decode(): self._kept[key] for key in sorted(self._kept) if key.startswith(start)
        }

    async def write(
        self, changes: Mapping[str, bytes | None], events: Sequence[CataloguedKind] = ()
    ) -> None:
        for key, value in check_changes(changes).items():
            if value is None:
                self._kept.pop(key, None)
            else:
                self._kept[key] = value
        for event in events:
            self._state.append(event)

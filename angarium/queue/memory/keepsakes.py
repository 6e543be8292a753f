"""Keepsakes in memory, for tests."""

from collections.abc import Mapping

from angarium.queue.keepsakes import check_changes


class MemoryKeepsakes:
    """Implements Keepsakes; ``kept`` survives a crash."""

    def __init__(self, kept: dict[bytes, bytes]) -> None:
        self._kept = kept

    def read(self, prefix: str) -> dict[str, bytes]:
        start = prefix.encode()
        return {
            key.decode(): self._kept[key] for key in sorted(self._kept) if key.startswith(start)
        }

    async def write(self, changes: Mapping[str, bytes | None]) -> None:
        for key, value in check_changes(changes).items():
            if value is None:
                self._kept.pop(key, None)
            else:
                self._kept[key] = value

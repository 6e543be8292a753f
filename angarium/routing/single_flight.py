"""One run per key at a time, its result shared by all who ask meanwhile. Knows nothing of what is run."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Owns its tasks: ``close`` ends them.

    Invariant SF1: a waiter that is cancelled does not end the run; others, or the cache, still get its result.
    """

    def __init__(self) -> None:
        self._runs: dict[K, asyncio.Task[V]] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, key: K) -> bool:
        return key in self._runs

    async def join(self, key: K) -> V:
        """Return the result of the run under way for ``key``; there must be one. Raises what the run raises."""
        return await asyncio.shield(self._runs[key])  # SF1

    async def run(self, key: K, start: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """Return the result of the run under way for ``key``, or of a new one. Raises what the run raises."""
        task = self._runs.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(start())
            self._runs[key] = task
            task.add_done_callback(lambda _: self._runs.pop(key, None))
        return await asyncio.shield(task)  # SF1

    async def close(self) -> None:
        """Cancel what runs and wait for its end. Waiters see CancelledError."""
        runs = list(self._runs.values())
        for task in runs:
            task.cancel()
        await asyncio.gather(*runs, return_exceptions=True)

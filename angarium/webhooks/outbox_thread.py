"""The outbox for an event loop: one thread does one thing after the other with it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from angarium.webhooks.outbox import Outbox

T = TypeVar("T")


class OutboxThread:
    """Opens the file when it is first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._outbox: Outbox | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhooks")

    async def run(self, act: Callable[[Outbox], T]) -> T:
        """Return what ``act`` does. Raises OutboxError, sqlite3.Error, and what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, act)

    def close(self) -> None:
        """Wait for what is under way, and close the file."""
        self._thread.shutdown(wait=True)
        if self._outbox is not None:
            self._outbox.close()

    def _run(self, act: Callable[[Outbox], T]) -> T:
        if self._outbox is None:
            self._outbox = Outbox(self._path)
        return act(self._outbox)

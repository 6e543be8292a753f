"""The platform's database for a loop that never waits for SQL: each thing is done by a thread."""

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

T = TypeVar("T")


class PlatformThread:
    """One thing at a time."""

    def __init__(self, open_platform: Callable[[], "Platform"]) -> None:
        """``open_platform``: called when there is something to do, and again after it has failed."""
        self._open = open_platform
        self._platform: Platform | None = None
        self._turn = threading.Lock()

    async def run(self, act: Callable[["Platform"], T]) -> T:
        """Raises TenancySetupError: the database or the secret cannot be used now; and what ``act`` does."""

        def run() -> T:
            with self._turn:
                if self._platform is None:
                    self._platform = self._open()
                return act(self._platform)

        return await asyncio.to_thread(run)

    def close(self) -> None:
        with self._turn:
            if self._platform is not None:
                self._platform.close()
                self._platform = None

"""Waiting for room on the disk, where nothing can begin without a write."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from angarium.queue import QueueFullError

RETRY_S: Final = 1.0  # after a full disk
DISK_FULL: Final = "the disk is full; delivery begins once there is room"

_Result = TypeVar("_Result")


async def until_space(
    act: Callable[[], Awaitable[_Result]], stop: asyncio.Event, is_full: Callable[[], None]
) -> _Result:
    """Return what ``act`` does once the disk has room for it; ``is_full`` is called once, if it has none at first.

    Raises QueueFullError when ``stop`` is set meanwhile.
    """
    told = False
    while True:
        try:
            return await act()
        except QueueFullError:
            if stop.is_set():
                raise
            if not told:
                told = True
                is_full()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY_S):
                await stop.wait()

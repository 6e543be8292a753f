"""The end of a delivery process: what has begun nothing ends at once, the rest within its bounds."""

import asyncio
from collections.abc import Callable, Collection
from typing import Final, Protocol

import msgspec

# Ours: for the reply to QUIT, which nothing depends on.
FAREWELL_S: Final = 1.0
# Ours: what was broken off hands in its outcome within it; all outcomes are on disk within the second.
RECORDING_S: Final = 1.0
FLUSH_S: Final = 2.0


class DrainBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How long what is under way may take, from the moment on that the process is told to stop."""

    transfers_s: float
    # A message that was sent wholly and has no reply yet is in doubt if it is cut: these may take longer.
    last_replies_s: float


class Ends(Protocol):
    """Has the connections; ``egress.places`` does."""

    def end_openings(self) -> None:
        """Drop what is not open yet: nothing is in transfer there."""
        ...

    def end_farewells(self) -> None:
        """Cut those that carry nothing any more."""
        ...

    def end_unsent(self) -> None:
        """Break off transfers whose content is not with the host: they are deferred, and not in doubt."""
        ...


async def end_connections(
    places: Ends, tasks: Collection[asyncio.Task[None]], bounds: DrainBounds
) -> None:
    """Return when all tasks have ended, or were cancelled; ``tasks`` loses those that have.

    What is cancelled keeps its claim on disk and is in doubt: only what waits for its last reply for too long.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    places.end_openings()
    steps: tuple[tuple[float, Callable[[], None]], ...] = (
        (min(FAREWELL_S, bounds.transfers_s), places.end_farewells),
        (bounds.transfers_s, places.end_unsent),
        (max(bounds.last_replies_s, bounds.transfers_s + RECORDING_S), lambda: _cancel(tasks)),
    )
    for until_s, then in steps:
        if await _have_ended(tasks, began + until_s):
            return
        then()


async def _have_ended(tasks: Collection[asyncio.Task[None]], until: float) -> bool:
    loop = asyncio.get_running_loop()
    while tasks and (left := until - loop.time()) > 0:
        # Some begin others: what was taken by a transfer is recorded, and more.
        await asyncio.wait(list(tasks), timeout=left, return_when=asyncio.FIRST_COMPLETED)
    return not tasks


def _cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in list(tasks):
        task.cancel()

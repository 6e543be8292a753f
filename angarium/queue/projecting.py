"""What all projections of the event log into a database do: know whose events they are of, and let go what is old."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from angarium.queue.event_log import EventCursor, EventLog

FORGET_S: Final = 3600.0
# Between two small steps, for whoever reads and writes
FORGET_PAUSE_S: Final = 0.02
_QUEUE_OCTETS: Final = 16

# Of the queue with this identity, whose newest event is this: returns behind which event the projection goes on
Begin = Callable[[bytes, int], Awaitable[int]]
# Deletes some; returns whether there is more
Step = Callable[[], Awaitable[bool]]


async def begin_projection(
    events: EventLog,
    consumer: str,
    cursor: EventCursor,
    random_octets: Callable[[int], bytes],
    begin: Begin,
) -> int:
    """The consumer's state in the queue is the queue's identity, which never changes. Raises what ``begin`` does."""
    queue = cursor.state
    if not queue:
        queue = random_octets(_QUEUE_OCTETS)
        # Before it is in the database: one that nobody knows would be another queue's
        await events.ack(consumer, cursor.position, queue)
    return await begin(queue, events.last())


async def forget_old(going: Callable[[], Step], failed: Callable[[OSError], None]) -> None:
    """Delete what is older than is kept, now and then, until cancelled.

    ``going``: begins to go through all of it. ``failed``: told where that was not possible; it is tried again later.
    """
    while True:
        try:
            await _in_steps(going())
        except OSError as error:
            failed(error)
        await asyncio.sleep(FORGET_S)


async def _in_steps(step: Step) -> None:
    is_more = True
    while is_more:
        is_more = await step()
        await asyncio.sleep(FORGET_PAUSE_S)

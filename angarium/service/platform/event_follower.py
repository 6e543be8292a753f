"""Follows the queue's event log for one consumer: from its own cursor on, in batches, at least once.

Knows nothing of what a consumer does with events.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final, Protocol

from angarium.queue import EventCursor, EventLog, Position, QueueFailedError, QueueFullError
from angarium.queue.event_log import KeptBack as KeptBack
from angarium.service.platform.shared_reading import SharedReading
from angarium.telemetry.log import log, log_exception

# Events handled at a time: some 5 ms of the event loop
BATCH: Final = 500
POLL_S: Final = 0.25
# Between two acknowledgements under load: each is a commit. A crash repeats so much for consumers without a state
ACK_S: Final = 0.5
# Before a batch that could not be handled is tried again: doubling
FIRST_RETRY_S: Final = 1.0
LAST_RETRY_S: Final = 30.0


class NotNowError(Exception):
    """A consumer cannot handle a batch since the server stops. That is no failure: it comes after the next start."""


class EventConsumer(Protocol):
    @property
    def name(self) -> str:
        """Of its cursor in the queue, and in the log when it fails."""
        ...

    async def begin(self, cursor: EventCursor) -> int:
        """Prepare; return behind which event to go on: the cursor's, or a later one that it has handled already.

        Whatever it raises is logged, and it is asked again.
        """
        ...

    async def handle(self, batch: Sequence[Position]) -> bytes | KeptBack | None:
        """Handle the events, all of them once it returns. Whatever it raises: the same batch comes again, and all but
        NotNowError is logged.

        Returns its new state, to be written with the acknowledgement in one transaction; None: it keeps none; KeptBack:
        nothing is acknowledged yet. Then it gets an empty batch where there is no other, until it has written.
        """
        ...


class EventFollower:
    """EF1: an event is acknowledged only after it was handled, so each is handled at least once.

    EF3: what a consumer keeps back is not acknowledged before it says that it is written.
    EF2: what fails is handled again, in order, after a wait; nothing behind it is handled before.
    """

    def __init__(
        self, events: EventLog, consumer: EventConsumer, shared: SharedReading | None = None
    ) -> None:
        """``shared``: with the other followers of this process; None: nobody else reads here."""
        self._events = events
        self._read = events.read if shared is None else shared.read
        self._consumer = consumer
        self._position = 0  # handled up to here
        self._written = 0  # and nothing of that is kept back up to here
        self._state: bytes | None = None
        self._acked = 0
        self._acked_at = 0.0
        self._retry_s = 0.0  # 0: it does not fail

    async def register(self) -> None:
        """Make the consumer known to the queue: from now on nothing is trimmed that it has not acknowledged."""
        cursor = await self._events.register(self._consumer.name)
        self._acked = self._position = self._written = cursor.position

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the log until ``stop``, then handle what is there by then. Raises QueueFailedError."""
        if not await self._begin(stop):
            return
        while not stop.is_set():
            if not await self.step():
                await self._ack(at_once=False)
                await _wait(stop, self._retry_s or POLL_S)
        while await self.step():
            pass
        await self._ack(at_once=True)

    async def step(self) -> bool:
        """Handle the next batch; returns whether more may be waiting."""
        batch = self._read(self._position, BATCH)
        if not batch and self._written == self._position:
            return False
        try:
            state = await self._consumer.handle(batch)
        except NotNowError:
            return False
        except Exception as error:  # noqa: BLE001 - a task boundary: logged, and tried again (EF2)
            self._failed(error)
            return False
        self._retry_s = 0.0
        self._position = batch[-1].sequence if batch else self._position
        if state is not KeptBack.YES:
            self._written = self._position  # EF3
            self._state = state
        await self._ack(at_once=False)
        return len(batch) == BATCH

    async def _begin(self, stop: asyncio.Event) -> bool:
        while not stop.is_set():
            try:
                cursor = await self._events.register(self._consumer.name)
                self._position = await self._consumer.begin(cursor)
            except QueueFailedError:
                raise
            except Exception as error:  # noqa: BLE001 - as in step
                self._failed(error)
                await _wait(stop, self._retry_s)
            else:
                self._acked = cursor.position
                self._written = self._position
                self._retry_s = 0.0
                return True
        return False

    async def _ack(self, *, at_once: bool) -> None:
        now = time.monotonic()
        if self._written <= self._acked or (not at_once and now - self._acked_at < ACK_S):
            return
        self._acked_at = now
        try:
            await self._events.ack(self._consumer.name, self._written, self._state)  # EF1
        except QueueFullError:
            return  # a later one says the same and more
        self._acked = self._written

    def _failed(self, error: Exception) -> None:
        event = f"{self._consumer.name}_failed"
        if self._retry_s == 0:  # once for each time that it begins to fail
            if isinstance(error, OSError | QueueFullError):
                log(event, "error", reason=str(error))
            else:
                log_exception(event)
        self._retry_s = min(self._retry_s * 2 or FIRST_RETRY_S, LAST_RETRY_S)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return

"""Follows the queue's event log: writes the mail log, counts outcomes, and lets old events go."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from angarium.queue import EventLog, Position, UnixMs, message_id_text
from angarium.service.event_counts import count_event
from angarium.service.mail_log_file import LastLine
from angarium.service.mail_record import mail_record
from angarium.telemetry.log import log
from angarium.telemetry.metrics import Metrics

CONSUMER: Final = "mail_log"
BATCH: Final = 500  # events encoded at a time: some 5 ms of the event loop
POLL_S: Final = 0.25
RETRY_S: Final = 5.0  # after a full disk


class Sink(Protocol):
    def open(self) -> LastLine | None: ...
    def append(self, lines: bytes) -> None: ...
    def close(self) -> None: ...


class MailLog:
    """Invariants: (1) an event is acknowledged only after its line is on disk; (2) a start continues behind the
    last line of the file, so that a crash between the two repeats nothing (and if the file was rotated just then,
    the sequence tells). (3) What cannot be written is kept in the queue: a full disk loses no line.
    """

    def __init__(
        self,
        events: EventLog,
        sink: Sink,
        metrics: Metrics,
        clock: Callable[[], UnixMs],
    ) -> None:
        self._events = events
        self._sink = sink
        self._metrics = metrics
        self._clock = clock
        self._encoder = msgspec.json.Encoder()
        self._position = 0
        self._is_failing = False

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the log until ``stop``, then write what is there by then."""
        await self._begin(stop)
        while not stop.is_set():
            if not await self.write_batch():
                await _wait(stop, RETRY_S if self._is_failing else POLL_S)
        while await self.write_batch():
            pass
        self._sink.close()

    async def write_batch(self) -> bool:
        """Write the next events; returns whether more may be waiting."""
        positions = self._events.read(self._position, BATCH)
        if not positions:
            return False
        lines = b"".join(self._encoder.encode(mail_record(each)) + b"\n" for each in positions)
        try:
            await asyncio.to_thread(self._sink.append, lines)
        except OSError as error:
            if not self._is_failing:
                log("mail_log_failed", "error", reason=str(error))
            self._is_failing = True
            return False
        self._is_failing = False
        for each in positions:
            count_event(self._metrics, each.event)
        self._position = positions[-1].sequence
        await self._events.ack(CONSUMER, self._position)
        return len(positions) == BATCH

    async def trim(self, retention_ms: int, limit: int) -> int:
        """Let go of events that are written and old, or more than ``limit``; returns how many."""
        return await self._events.trim(UnixMs(self._clock() - retention_ms), limit)

    async def _begin(self, stop: asyncio.Event) -> None:
        last: LastLine | None = None
        while not stop.is_set():
            try:
                last = await asyncio.to_thread(self._sink.open)
            except OSError as error:
                log("mail_log_failed", "error", reason=str(error))
                await _wait(stop, RETRY_S)
            else:
                break
        self._position = self._events.acked(CONSUMER)
        if last is not None and last.sequence > self._position and self._is_of_this_queue(last):
            self._position = last.sequence

    def _is_of_this_queue(self, last: LastLine) -> bool:
        """Whether the file's last line is an event of this queue, not of one that was there before it."""
        found: list[Position] = self._events.read(last.sequence - 1, 1)
        return (
            bool(found)
            and found[0].sequence == last.sequence
            and message_id_text(found[0].event.message_id) == last.message
        )


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return

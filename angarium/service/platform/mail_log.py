"""Writes the mail log: a consumer of the queue's event log."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from angarium.queue import EventCursor, EventLog, Position
from angarium.service.platform.mail_log_file import LastLine
from angarium.service.platform.mail_record import mail_record

MAIL_LOG: Final = "mail_log"


class Sink(Protocol):
    def open(self) -> LastLine | None: ...
    def append(self, lines: bytes) -> None: ...
    def close(self) -> None: ...


class MailLog:
    """An EventConsumer without a state: its file is one.

    ML1: an event counts as handled only when its line is on disk; a full disk loses no line.
    ML2: a start goes on behind the last line of the file, so that a crash before the acknowledgement repeats nothing
    (and if the file was rotated just then, the sequence tells).
    """

    def __init__(self, events: EventLog, sink: Sink) -> None:
        self._events = events
        self._sink = sink
        self._encoder = msgspec.json.Encoder()

    @property
    def name(self) -> str:
        return MAIL_LOG

    async def begin(self, cursor: EventCursor) -> int:
        last = await asyncio.to_thread(self._sink.open)
        if last is not None and last.sequence > cursor.position and self._is_of_this_queue(last):
            return last.sequence  # ML2
        return cursor.position

    async def handle(self, batch: Sequence[Position]) -> None:
        encode = self._encoder.encode
        lines = b"".join([encode(mail_record(each)) + b"\n" for each in batch])
        await asyncio.to_thread(self._sink.append, lines)  # ML1

    def _is_of_this_queue(self, last: LastLine) -> bool:
        """Whether the file's last line is an event of this queue, not of one that was there before it."""
        found: list[Position] = self._events.read(last.sequence - 1, 1)
        return (
            bool(found)
            and found[0].sequence == last.sequence
            and mail_record(found[0]).message == last.message
        )

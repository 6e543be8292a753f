"""The event log as its consumers see it: append-only, numbered, kept until every one of them has read it."""

import enum
import re
from collections.abc import Container, Sequence
from typing import Final, Protocol

import msgspec

from angarium.queue.events.catalogue import CataloguedKind, Departure, Event
from angarium.queue.model import UnixMs

_CONSUMER: Final = re.compile("[A-Za-z0-9_-]{1,64}")


class Position(msgspec.Struct, frozen=True):
    sequence: int
    event: Event


class EventCursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far a consumer is."""

    position: int  # it needs nothing up to here
    state: bytes = b""  # its own, written with the position in one transaction


class KeptBack(enum.Enum):
    """What a consumer returns that has handled events in memory only, and will write what they came to later."""

    YES = enum.auto()


class Departures(msgspec.Struct, frozen=True, kw_only=True):
    """Of a stretch of the log, how mail left."""

    events: tuple[Departure, ...]
    last: int  # sequence number of the last event that was looked at
    is_end: bool  # there are no more behind it


class EventLog(Protocol):
    """Appending is the queue's own business, in the transaction of the change itself.

    EL1: an event that a registered consumer has not acknowledged is never trimmed, however far it lags behind.
    EL2: what a consumer makes of events is appended in the transaction that acknowledges them, and only where that
    moves its position on: whatever crashes, it is in the log once.
    """

    def read(self, after: int, limit: int) -> list[Position]:
        """Return up to ``limit`` events behind sequence ``after`` (0: from the oldest kept), in order."""
        ...

    def last(self) -> int:
        """Return the newest event's sequence number, 0 when there is none."""
        ...

    def first_at(self, at: int) -> int:
        """Return the sequence number of about the first event as late as ``at`` (Unix ms), by bisection: events are
        nearly in the order of time. Where none is so late, that of the newest; 1 where there is none.
        """
        ...

    def departures(self, messages: Container[bytes], after: int, limit: int) -> Departures:
        """Look through ``limit`` events behind sequence ``after`` for those that say that mail of these messages left.

        It takes a third of a microsecond for each: what else there is is not decoded.
        """
        ...

    async def register(self, consumer: str) -> EventCursor:
        """Make the consumer known, and return where it goes on: at the oldest event kept, if it is new.

        Durable on return. A name has 1 to 64 ASCII letters, digits, "_" or "-"; else ValueError.
        """
        ...

    async def retire(self, consumer: str) -> None:
        """Forget the consumer and its state: trimming waits for it no more. One that is not known is none already."""
        ...

    async def ack(
        self,
        consumer: str,
        position: int,
        state: bytes | None = None,
        events: Sequence[CataloguedKind] = (),
    ) -> None:
        """Remember that ``consumer`` needs nothing up to ``position``, with its ``state`` (None: as before).

        Both in one transaction; at the same position it is of the state alone. Does nothing before what is acknowledged
        already, or when it is not registered (it has retired meanwhile).

        ``events``: what it made of those that it acknowledges (EL2).
        """
        ...

    def consumers(self) -> dict[str, int]:
        """Return each registered consumer's acknowledged position."""
        ...

    async def trim(self, before: UnixMs, keep: int) -> int:
        """Delete events that all have read and that are older than ``before`` or beyond the newest ``keep``.

        Returns how many. Nothing is trimmed while nobody is registered: who will read is not known yet.
        """
        ...


def check_consumer(consumer: str) -> None:
    """Raises ValueError for a name that is none."""
    if not _CONSUMER.fullmatch(consumer):
        raise ValueError(f"not a consumer's name: {consumer[:80]!r}")

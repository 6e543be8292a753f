"""Counts what becomes of rows: reads the events of mail, and writes what they say of rows into the ledger."""

from collections.abc import Sequence

from angarium.campaigns.outcomes import told_of
from angarium.queue import EventCursor, Position
from angarium.queue.ledger.store import Ledger
from angarium.queue.ledger.writing import CONSUMER


class OutcomeFollower:
    """An EventConsumer. What it writes is one with the acknowledgement (LG6): a batch that comes again counts once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def name(self) -> str:
        return CONSUMER

    async def begin(self, cursor: EventCursor) -> int:
        return cursor.position

    async def handle(self, batch: Sequence[Position]) -> None:
        """Raises QueueError."""
        found = [each for position in batch if (each := told_of(position.event)) is not None]
        places = self._ledger.locate({each.message for each in found})
        told = [(places[each.message], each) for each in found if each.message in places]
        if told:
            await self._ledger.tell(CONSUMER, batch[-1].sequence, told)

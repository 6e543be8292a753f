"""Has delivery processes hear of complaints: rules and warm-ups go by them, per source and provider.

A consumer of events of its own, so that a delivery process that is not there keeps nobody else waiting.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from angarium.insight.admin.complaints import HearComplaints, ToldComplaint
from angarium.queue import Complained, EventCursor, Position
from angarium.service.delivery_finder import DeliveryFinder
from angarium.service.standing_facts import is_complaint

COMPLAINTS: Final = "complaints"
# Ours, of one question
TOLD_AT_ONCE: Final = 100


class NotHeardError(OSError):
    """A delivery process did not answer: it is told again."""


class ComplaintFeed:
    """Invariant CF1: each complaint is told at least once, in order; told twice it has the same number."""

    def __init__(
        self, finder: DeliveryFinder, tell: Callable[[HearComplaints], Awaitable[None]]
    ) -> None:
        """``tell``: has all delivery processes hear it; raises NotHeardError."""
        self._finder = finder
        self._tell = tell

    @property
    def name(self) -> str:
        return COMPLAINTS

    async def begin(self, cursor: EventCursor) -> int:
        return cursor.position

    async def handle(self, batch: Sequence[Position]) -> None:
        """Raises NotHeardError: then nothing of the batch is acknowledged (CF1)."""
        told = [found for each in batch if (found := await self._told_of(each)) is not None]
        for start in range(0, len(told), TOLD_AT_ONCE):
            await self._tell(HearComplaints(tuple(told[start : start + TOLD_AT_ONCE])))

    async def _told_of(self, position: Position) -> ToldComplaint | None:
        event = position.event
        if not isinstance(event, Complained) or not is_complaint(event):
            return None
        delivery = await self._finder.find(event)
        if delivery is None or not delivery.attempt.source:
            return None  # by which source is not known any more: its tenant is judged all the same
        return ToldComplaint(
            sequence=position.sequence,
            source=delivery.attempt.source,
            provider=delivery.attempt.provider,
            at=event.at,
        )

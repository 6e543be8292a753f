"""Has delivery processes hear of complaints: rules and warm-ups go by them, per source and provider.

A consumer of events of its own, so that a delivery process that is not there keeps nobody else waiting.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from angarium.feedback.mail.complaints import is_complaint
from angarium.insight.admin.client import ask_process
from angarium.insight.admin.complaints import HearComplaints, SlowSenders, ToldComplaint
from angarium.insight.admin.protocol import Refused
from angarium.queue import Complained, EventCursor, Position
from angarium.service.platform.delivery_finder import DeliveryFinder
from angarium.service.platform.event_follower import NotNowError

COMPLAINTS: Final = "complaints"
# Ours, of one question
TOLD_AT_ONCE: Final = 100
# Ours: a delivery process that starts, or is started anew, is asked so often before that is told of
TRIES: Final = 60
TRY_AGAIN_S: Final = 0.5
HEAR_WITHIN_S: Final = 5.0


class NotHeardError(OSError):
    """A delivery process did not answer: it is told again."""


class ComplaintFeed:
    """Invariant CF1: each complaint is told at least once, in order; told twice it has the same number."""

    def __init__(
        self, finder: DeliveryFinder, tell: Callable[[HearComplaints], Awaitable[None]]
    ) -> None:
        """``tell``: has all delivery processes hear it; raises NotHeardError and NotNowError."""
        self._finder = finder
        self._tell = tell

    @property
    def name(self) -> str:
        return COMPLAINTS

    async def begin(self, cursor: EventCursor) -> int:
        return cursor.position

    async def handle(self, batch: Sequence[Position]) -> None:
        """Raises NotHeardError and NotNowError: then nothing of the batch is acknowledged (CF1)."""
        complaints = [
            (each.sequence, each.event)
            for each in batch
            if isinstance(each.event, Complained) and is_complaint(each.event.feedback_type)
        ]
        departures = await self._finder.find([event for _, event in complaints])
        told = [
            ToldComplaint(
                sequence=sequence,
                source=departure.attempt.source,
                provider=departure.attempt.provider,
                at=event.at,
            )
            for (sequence, event), departure in zip(complaints, departures, strict=True)
            # By which source is not known of all any more: a tenant is judged all the same
            if departure is not None and departure.attempt.source
        ]
        for start in range(0, len(told), TOLD_AT_ONCE):
            await self._tell(HearComplaints(tuple(told[start : start + TOLD_AT_ONCE])))


class Listeners:
    """The delivery processes of the server, each by its admin socket."""

    def __init__(self, data_dir: Path, slots: Sequence[str], stop: asyncio.Event) -> None:
        """``stop``: nobody is waited for any more, since they end before us."""
        self._data_dir = data_dir
        self._slots = slots
        self._stop = stop

    async def tell(self, told: HearComplaints | SlowSenders) -> None:
        """Have each of them hear. Raises NotHeardError for one that did not within a while; NotNowError once told to
        stop.
        """
        for slot in self._slots:
            tries = 1
            while (refused := await self._ask(slot, told)) is not None:
                if self._stop.is_set():
                    raise NotNowError
                if tries == TRIES:
                    raise NotHeardError(refused.text)
                await asyncio.sleep(TRY_AGAIN_S)
                tries += 1

    async def _ask(self, slot: str, told: HearComplaints | SlowSenders) -> Refused | None:
        answer = await asyncio.to_thread(
            ask_process, self._data_dir, slot, told, timeout_s=HEAR_WITHIN_S
        )
        return answer if isinstance(answer, Refused) else None

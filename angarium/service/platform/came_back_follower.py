"""Counts complaints and bounces that single reports told of, by provider and source: a consumer of the event log."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from angarium.config.schema import Config
from angarium.queue import EventCursor, EventLog, Position
from angarium.queue.events.catalogue import Departure
from angarium.receiver_reports.came_back import CameBack, Told, counted, key_of
from angarium.receiver_reports.came_back_writing import CameBackWriter
from angarium.receiver_reports.report_file import ReportFile
from angarium.routing.routing import Routing
from angarium.service.platform.delivery_finder import DeliveryFinder

RECEIVER_REPORTS: Final = "receiver_reports"
_QUEUE_OCTETS: Final = 16


class CameBackFollower:
    """An EventConsumer. Its state in the queue is the queue's identity, which never changes."""

    def __init__(
        self,
        config: Config,
        events: EventLog,
        finder: DeliveryFinder,
        open_file: Callable[[], ReportFile],
        random_octets: Callable[[int], bytes],
    ) -> None:
        """``open_file``: called in a thread."""
        self._routing = Routing.of(config)
        self._events = events
        self._finder = finder
        self._open_file = open_file
        self._random_octets = random_octets
        self._position = 0  # counted up to here

    @property
    def name(self) -> str:
        return RECEIVER_REPORTS

    def exchange(self, config: Config) -> None:
        self._routing = Routing.of(config)

    async def begin(self, cursor: EventCursor) -> int:
        queue = cursor.state
        if not queue:
            queue = self._random_octets(_QUEUE_OCTETS)
            # Before it is in the file: one that nobody knows would be another queue's
            await self._events.ack(RECEIVER_REPORTS, cursor.position, queue)
        newest = self._events.last()
        self._position = await asyncio.to_thread(
            lambda: CameBackWriter(self._open_file()).begin(queue, newest)
        )
        return max(self._position, cursor.position)

    async def handle(self, batch: Sequence[Position]) -> None:
        """Most batches have nothing of it, and cost a look at each event's type."""
        told = [
            each.event
            for each in batch
            if each.sequence > self._position and isinstance(each.event, Told)
        ]
        if not told:
            return
        departures = await self._finder.find(told)
        rows = counted([self._key(*each) for each in zip(told, departures, strict=True)])
        last = batch[-1].sequence
        await asyncio.to_thread(lambda: CameBackWriter(self._open_file()).write(rows, last))
        self._position = last

    def _key(self, event: Told, departure: Departure | None) -> CameBack:
        if departure is not None:
            return key_of(event, departure.attempt.provider, departure.attempt.source)
        # Its events are kept no more: whose domain it is, the configuration may say
        domain = event.recipient.rpartition("@")[2].lower()
        return key_of(event, self._routing.find_told_provider(domain) or "", "")

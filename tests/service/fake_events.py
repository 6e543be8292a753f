"""An event log in memory; acknowledgements may be lost, as by a crash."""

import asyncio

from angarium.queue import Event, EventCursor, Position, UnixMs
from angarium.service.platform.event_follower import EventConsumer, EventFollower


class FakeEvents:
    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.position = 0
        self.state = b""
        self.acks = 0
        self.loses_acks = False

    def read(self, after: int, limit: int) -> list[Position]:
        found = [Position(number, event) for number, event in enumerate(self.events, 1)]
        return found[after : after + limit]

    def last(self) -> int:
        return len(self.events)

    async def register(self, consumer: str) -> EventCursor:
        return EventCursor(position=self.position, state=self.state)

    async def retire(self, consumer: str) -> None:
        raise NotImplementedError

    async def ack(self, consumer: str, position: int, state: bytes | None = None) -> None:
        self.acks += 1
        if not self.loses_acks:
            self.position = position
            self.state = self.state if state is None else state

    def consumers(self) -> dict[str, int]:
        return {"any": self.position}

    async def trim(self, before: UnixMs, keep: int) -> int:
        raise NotImplementedError


async def follow(events: FakeEvents, consumer: EventConsumer) -> None:
    """Have the consumer handle all that is there."""
    stop = asyncio.Event()
    task = asyncio.create_task(EventFollower(events, consumer).run(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(task, 10)

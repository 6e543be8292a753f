"""Mirrors angarium/service/platform/trace_follower.py."""

from collections.abc import Sequence

from angarium.queue import EventCursor, MessageId, ShownMessage, UnixMs
from angarium.service.platform.trace_follower import TraceFollower
from angarium.traces.collecting import TraceCollector
from angarium.traces.span import Span
from tests.history.samples import Log


class World:
    """Several processes, one after the other, may follow its log."""

    def __init__(self) -> None:
        self.log = Log()
        self.spans: list[Span] = []
        self.asked = 0

    def offer(self, spans: Sequence[Span]) -> None:
        self.spans += spans

    async def show(self, message_id: MessageId) -> ShownMessage | None:
        self.asked += 1
        events = tuple(each for each in self.log.positions if each.event.message_id == message_id)
        if not events:
            return None
        return ShownMessage(
            message_id=message_id,
            queued=True,
            origin=None,
            message_id_header="",
            header_from="",
            entries=(),
            events=events,
        )

    def follower(self, ratio: float = 1.0) -> TraceFollower:
        return TraceFollower(
            TraceCollector(ratio, 3_600_000),
            self.offer,
            self.show,
            lambda: self.log.last,
            lambda: UnixMs(self.log.clock.now),
        )

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.spans]


async def test_it_begins_with_what_is_new_and_goes_on_where_it_was() -> None:
    world = World()
    world.log.accept()
    world.log.accept()
    follower = world.follower()
    assert await follower.begin(EventCursor(position=0, state=b"")) == 2
    state = await follower.handle(world.log.positions)
    assert await follower.begin(EventCursor(position=1, state=state)) == 1


async def test_after_a_restart_a_message_is_told_whole_once() -> None:
    world = World()
    id_ = world.log.accept()
    world.log.happen("deferred", id_)
    await world.follower().handle(world.log.positions)  # and it dies
    assert world.spans == []
    next_one = world.follower()
    world.log.happen("deferred", id_, attempts=2)
    world.log.happen("delivered", id_, attempts=3)
    await next_one.handle(world.log.positions[2:])
    assert world.names == ["accept mail", *["wait in queue", "deliver mail"] * 3, "mail"]
    assert world.asked == 1
    world.log.happen("opened", id_)
    await next_one.handle(world.log.positions[4:])
    assert len(world.names) == 8


async def test_of_what_is_not_traced_nothing_is_looked_up() -> None:
    world = World()
    id_ = world.log.accept()
    world.log.happen("delivered", id_)
    await world.follower(ratio=0.0).handle(world.log.positions[1:])
    assert (world.asked, world.spans) == (0, [])


async def test_a_message_whose_events_are_no_more_is_left_out() -> None:
    world = World()
    id_ = world.log.accept()
    world.log.happen("delivered", id_)
    last = world.log.positions[1:]
    world.log.positions = []
    await world.follower().handle(last)
    assert (world.asked, world.spans) == (1, [])

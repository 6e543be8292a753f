"""Mirrors angarium/service/platform/fetch_judge.py and copy_facts.py: FJ1, FJ2."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from angarium.history.introducing import introduction_of
from angarium.history.story import HistoryAwayError, Introduction
from angarium.queue import (
    Clicked,
    Fetched,
    LmdbSpool,
    MessageAccepted,
    MessageId,
    Opened,
    QueueFullError,
    UnixMs,
)
from angarium.queue.memory.spool import MemorySpool
from angarium.service.platform import copy_facts
from angarium.service.platform.copy_facts import CopyFactsFinder
from angarium.service.platform.event_follower import EventFollower
from angarium.service.platform.fetch_judge import TRACKING, FetchJudge
from angarium.tracking.fetches import SLACK_MS
from angarium.webhooks.happening import mail_happenings, unknown_introduction
from tests.queue.conftest import open_lmdb
from tests.queue.samples import START, FakeClock, make_ids, submission

AnySpool = LmdbSpool | MemorySpool
AFTER_S = 2.0
OVER_MS = 2000 + SLACK_MS


class History:
    def __init__(self) -> None:
        self.is_away = False
        self.asked: list[MessageId] = []
        self.known: dict[MessageId, Introduction] = {}

    async def abouts(self, message_ids: Sequence[MessageId]) -> dict[MessageId, Introduction]:
        if self.is_away:
            raise HistoryAwayError("away")
        self.asked += message_ids
        return {each: self.known[each] for each in message_ids if each in self.known}

    def projected_to(self) -> int:
        return 0


class World:
    """A queue, its clock, and a judge that may be ended and begun anew at any time."""

    def __init__(self, spool: AnySpool, clock: FakeClock) -> None:
        self.spool = spool
        self.clock = clock
        self.new_id = make_ids(clock)
        self.history: History | None = None
        self.follower = self.new_follower()

    def new_follower(self) -> EventFollower:
        facts = CopyFactsFinder(self.history, self.spool.reports.find_accepted)
        return EventFollower(
            self.spool.events, FetchJudge(self.spool.events, facts, self.clock, AFTER_S)
        )

    async def begin(self) -> None:
        self.follower = self.new_follower()
        await self.follower.register()
        assert await self.follower._begin(asyncio.Event())

    async def accept(self, *recipients: str, campaign: str = "spring") -> MessageId:
        message = self.new_id()
        await self.spool.accept(
            [submission(message, recipients or ("ann@example.net",), campaign=campaign)]
        )
        return message

    async def fetch(self, message: MessageId, link: int = -1, **changes: Any) -> Fetched:
        fields: dict[str, Any] = {
            "at": UnixMs(self.clock.now),
            "message_id": message,
            "tenant": "default",
            "index": 0,
            "link_number": link,
            "link": "" if link < 0 else f"https://shop.example/{link}",
            "sent_s": START // 1000 - 3600,
            "network": "192.0.2.0",
            "agent": "Chrome 126, Windows",
            "method": "GET",
            "signs": (),
        }
        made = Fetched(**(fields | changes))
        waiting = asyncio.ensure_future(self.spool.record([made]))
        await asyncio.sleep(0)
        await self.spool.events.ack("nobody", 0)  # company, so that it goes at once
        await waiting
        return made

    async def run(self) -> None:
        while await self.follower.step():
            pass

    def judged(self) -> list[Opened | Clicked]:
        events = [each.event for each in self.spool.events.read(0, 10_000)]
        return [each for each in events if isinstance(each, Opened | Clicked)]


@pytest.fixture
async def world(spool: AnySpool, clock: FakeClock) -> World:
    made = World(spool, clock)
    await made.begin()
    return made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["lmdb", "memory"])
async def spool(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Any:
    made = open_lmdb(tmp_path, clock) if request.param == "lmdb" else MemorySpool(clock, 4)
    yield made
    made.close()


async def test_a_fetch_is_judged_once_what_bears_on_it_is_known(world: World) -> None:
    message = await world.accept("ann@example.net", "bob@example.org")
    await world.fetch(message, index=1)
    await world.fetch(message, 3, index=1)
    world.clock.now += OVER_MS - 1
    await world.run()
    assert world.judged() == []
    world.clock.now += 1
    await world.run()
    opened, clicked = world.judged()
    assert isinstance(opened, Opened)
    assert isinstance(clicked, Clicked)
    assert (opened.verdict, opened.reasons, opened.index) == ("human", (), 1)
    assert (opened.recipient, opened.stream, opened.campaign) == (
        "bob@example.org",
        "news",
        "spring",
    )
    assert (opened.sender_domain, opened.client) == ("example.com", "192.0.2.0 Chrome 126, Windows")
    assert (clicked.link, clicked.link_number) == ("https://shop.example/3", 3)
    assert opened.at == world.clock.now - OVER_MS


async def test_two_clicks_in_one_moment_stay_two(world: World) -> None:
    """FJ1"""
    message = await world.accept()
    await world.fetch(message, 3)
    await world.fetch(message, 3)
    world.clock.now += OVER_MS
    await world.run()
    first, second = world.judged()
    assert first == second
    positions = [each for each in world.spool.events.read(0, 100) if each.event.name == "clicked"]
    ids = {
        happening.id
        for each in positions
        for happening in mail_happenings(each, unknown_introduction(first))
    }
    assert len(ids) == 2


async def test_the_link_that_nobody_sees_is_evidence_and_no_event(world: World) -> None:
    message = await world.accept()
    await world.fetch(message, 1)
    world.clock.now += 500
    await world.fetch(message, -2)
    world.clock.now += OVER_MS
    await world.run()
    (clicked,) = world.judged()
    assert (clicked.verdict, clicked.reasons) == ("machine", ("company",))


async def test_of_who_is_nobody_nothing_is_said(world: World) -> None:
    message = await world.accept()
    await world.fetch(message, index=-1, network="~0123456789ab", agent="")
    world.clock.now += OVER_MS
    await world.run()
    (opened,) = world.judged()
    assert (opened.index, opened.recipient, opened.client) == (-1, "", "")
    assert (opened.stream, opened.verdict) == ("news", "human")


async def test_a_message_that_nobody_knows_any_more_is_judged_all_the_same(world: World) -> None:
    await world.fetch(MessageId(bytes(16)), tenant="acme")
    world.clock.now += OVER_MS
    await world.run()
    (opened,) = world.judged()
    assert (opened.tenant, opened.stream, opened.recipient) == ("acme", "", "")


async def test_after_a_restart_company_of_before_counts(world: World) -> None:
    """FJ2"""
    message = await world.accept()
    await world.fetch(message, 1, signs=("gateway:cisco",))
    world.clock.now += OVER_MS
    await world.run()
    assert len(world.judged()) == 1
    await world.begin()
    world.clock.now += 10_000
    await world.fetch(message, 2)
    world.clock.now += OVER_MS
    await world.run()
    assert [each.reasons for each in world.judged()] == [("gateway:cisco",), ("company",)]


@pytest.mark.parametrize("seed", range(4))
async def test_kills_at_any_moment_change_no_figure(world: World, seed: int) -> None:
    """FJ1, FJ2"""
    draw = random.Random(seed)
    messages = [await world.accept() for _ in range(3)]
    fetched: list[Fetched] = []
    for _ in range(60):
        if draw.random() < 0.6:
            link = draw.choice((-1, -2, 0, 1, 2, 3))
            signs = draw.choice(((), (), ("head",), ("gateway:x",), ("data_centre",)))
            fetched.append(await world.fetch(draw.choice(messages), link, signs=signs))
        world.clock.now += draw.randrange(1500)
        if draw.random() < 0.5:
            await world.run()
        if draw.random() < 0.2:
            await world.begin()
    world.clock.now += OVER_MS
    await world.run()
    killed = world.judged()
    assert [each.at for each in killed] == [each.at for each in fetched if each.link_number != -2]

    straight = World(MemorySpool(world.clock, 4), world.clock)
    for each in world.spool.events.read(0, 10_000):
        if isinstance(each.event, MessageAccepted | Fetched):
            await straight.spool.record([each.event])
    await straight.begin()
    await straight.run()
    told = [(each.at, each.verdict, each.reasons) for each in straight.judged()]
    assert [(each.at, each.verdict, each.reasons) for each in killed] == told


async def test_what_could_not_be_written_is_judged_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await world.accept()
    await world.fetch(message)
    world.clock.now += OVER_MS

    async def full(*_: object, **__: object) -> None:
        raise QueueFullError("full")

    with monkeypatch.context() as patched:
        patched.setattr(type(world.spool.events), "ack", full)
        await world.run()
        await world.run()
    assert world.judged() == []
    await world.fetch(message, 2)
    world.clock.now += OVER_MS
    await world.run()
    assert [each.name for each in world.judged()] == ["opened", "clicked"]


async def test_nothing_is_acknowledged_that_waits(world: World) -> None:
    message = await world.accept()
    await world.fetch(message)
    await world.run()
    assert world.spool.events.consumers()[TRACKING] <= 1
    world.clock.now += OVER_MS
    await world.run()
    assert world.spool.events.consumers()[TRACKING] >= 2


async def test_the_history_is_asked_first_and_the_log_where_it_is_away(world: World) -> None:
    history = world.history = History()
    await world.begin()
    known, unknown = await world.accept(), await world.accept("bob@example.org")
    accepted = world.spool.events.read(0, 10)[0].event
    assert isinstance(accepted, MessageAccepted)
    history.known[known] = introduction_of(accepted)
    await world.fetch(known)
    await world.fetch(unknown)
    world.clock.now += OVER_MS
    await world.run()
    assert set(history.asked) == {known, unknown}
    history.is_away = True
    third = await world.accept("cy@example.com")
    await world.fetch(third)
    await world.fetch(known)
    world.clock.now += OVER_MS
    await world.run()
    recipients = [each.recipient for each in world.judged()]
    assert recipients == ["ann@example.net", "bob@example.org", "cy@example.com", "ann@example.net"]


async def test_what_is_remembered_of_messages_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_facts, "MOST_RECIPIENTS", 6)
    clock = FakeClock()
    new_id = make_ids(clock)
    asked: list[MessageId] = []
    spool = MemorySpool(clock, 2)
    ids = [new_id() for _ in range(4)]
    await spool.accept([submission(each) for each in ids])

    async def find(message: MessageId) -> MessageAccepted | None:
        asked.append(message)
        return await spool.reports.find_accepted(message)

    finder = CopyFactsFinder(None, find)
    for each in ids:
        await finder.find([each])
    await finder.find([ids[3]])
    await finder.find([ids[0]])
    assert asked == [*ids, ids[0]]

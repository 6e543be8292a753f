"""Mirrors angarium/webhooks/courier.py: a real outbox, endpoints that answer as a test says, a clock that it moves."""

import asyncio
import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from angarium.queue.model import UnixMs
from angarium.webhooks.caller import Answered
from angarium.webhooks.courier import PATIENCE, Courier, Letter, Undeliverable
from angarium.webhooks.delivery import Delivery, DeliveryFilter, DeliveryStatus, Outcome, State
from angarium.webhooks.outbox import Outbox
from angarium.webhooks.outbox_thread import OutboxThread
from angarium.webhooks.retry import DISABLE_AFTER_MS, SCHEDULE_S
from tests.webhooks.test_outbox import NOW, new

LIMIT = 3


class World:
    """Clock, endpoints, and what was sent to them: ``sent`` has event ids by endpoint."""

    def __init__(self, path: Path) -> None:
        self.now = NOW
        self.path = path
        self.sent: dict[str, list[str]] = defaultdict(list)
        self.at: list[UnixMs] = []
        self.statuses: dict[str, int] = {}  # by endpoint; 0: it never answers
        self.refusals: dict[str, Undeliverable] = {}
        self.open: dict[str, int] = defaultdict(int)
        self.most_open: dict[str, int] = defaultdict(int)
        self.turned_off: list[tuple[str, UnixMs, str]] = []
        self.changed = asyncio.Event()
        self.answers = asyncio.Event()  # no endpoint answers before
        self.answers.set()
        self.outcomes: list[Outcome] = []
        self.outbox = OutboxThread(path)
        self.courier = Courier(
            self.outbox,
            self,
            self,
            lambda: self.now,
            self.turn_off,
            self.outcomes.append,
            connections=LIMIT,
        )

    @property
    def failed(self) -> int:
        return sum(not each.is_success for each in self.outcomes)

    def refusal(self, endpoint: str) -> Undeliverable | None:
        return self.refusals.get(endpoint)

    def write(self, delivery: Delivery, now: UnixMs) -> Letter | Undeliverable:
        if delivery.event_id == "broken":
            raise ZeroDivisionError
        headers = {"event": delivery.event_id}
        return self.refusals.get(delivery.endpoint) or Letter(
            url=delivery.endpoint, headers=headers, body=b""
        )

    async def post(self, letter: Letter) -> Answered:
        url = letter.url
        self.sent[url].append(letter.headers["event"])
        self.at.append(self.now)
        self.open[url] += 1
        self.most_open[url] = max(self.open[url], self.most_open[url])
        self.changed.set()
        try:
            await self.answers.wait()
            await asyncio.sleep(0)
            status = self.statuses.get(url, 200)
            if status == 0:
                await asyncio.Event().wait()
            return Answered(status=status, text="said")
        finally:
            self.open[url] -= 1

    async def turn_off(self, endpoint: str, since: UnixMs, text: str) -> None:
        self.turned_off.append((endpoint, since, text))
        self.refusals[endpoint] = Undeliverable(reason="off")

    async def add(self, *events: str, endpoint: str = "e1", email_id: str = "") -> None:
        deliveries = [new(each, email_id or f"m-{each}", endpoint) for each in events]
        await self.outbox.run(lambda outbox: outbox.add(deliveries, self.now))
        self.courier.wake([endpoint])

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.002)

    async def until_settled(self, count: int, status: DeliveryStatus = "delivered") -> None:
        wanted = DeliveryFilter(status=status)
        async with asyncio.timeout(30):
            while len(await self.outbox.run(lambda outbox: outbox.list(wanted))) != count:
                await asyncio.sleep(0.002)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path / "webhooks.db")
    async with running(made):
        yield made
    made.outbox.close()


@contextlib.asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(world.courier.run(stop))
    try:
        yield
    finally:
        stop.set()
        world.courier.wake(())
        await asyncio.wait_for(task, 30)


async def test_what_is_put_in_the_outbox_is_told_once(world: World) -> None:
    await world.add(*"abcdefgh")
    await world.until_settled(8)
    assert sorted(world.sent["e1"]) == list("abcdefgh")
    assert len(world.outcomes) - world.failed == 8


async def test_events_of_a_message_come_in_order_whatever_fails(world: World) -> None:
    world.statuses["e1"] = 503
    await world.add("a", "b", "c", email_id="m1")
    await world.add("other")
    await world.until(lambda: len(world.sent["e1"]) == 2)
    await world.until(lambda: world.failed == 2)
    assert sorted(world.sent["e1"]) == ["a", "other"]
    world.statuses["e1"] = 200
    world.now = UnixMs(NOW + 1000)
    await world.until_settled(4)
    rest = [each for each in world.sent["e1"][2:] if each != "other"]
    assert rest == ["a", "b", "c"]


async def test_it_is_tried_by_the_schedule_then_given_up(world: World) -> None:
    world.statuses["e1"] = 500
    await world.add("a", "b", email_id="m1")
    for tries, wait in enumerate(SCHEDULE_S, 1):
        await world.until(lambda tries=tries: world.failed == tries)  # type: ignore[misc]
        world.now = UnixMs(world.now + wait * 1000)
        if tries == len(SCHEDULE_S):
            world.statuses["e1"] = 400
    await world.until_settled(1, "failed")
    assert [(at - NOW) // 1000 for at in world.at[:7]] == [0, 1, 3, 7, 15, 31, 91]
    assert world.sent["e1"][:12] == ["a"] * 12
    await world.until(lambda: "b" in world.sent["e1"])  # it holds back nobody any more


async def test_an_endpoint_that_never_answers_delays_no_other_co1(world: World) -> None:
    world.statuses["slow"] = 0
    await world.add(*map(str, range(20)), endpoint="slow")
    await world.add(*map(str, range(50)), endpoint="e1")
    await world.until_settled(50)
    assert world.most_open["slow"] == len(world.sent["slow"]) == LIMIT
    assert world.most_open["e1"] == LIMIT


async def test_one_that_fails_again_and_again_is_asked_one_thing_at_a_time_co1(
    world: World,
) -> None:
    world.statuses["e1"] = 500
    await world.add(*map(str, range(PATIENCE)))
    await world.until(lambda: world.failed == PATIENCE)
    world.most_open.clear()
    world.now = UnixMs(NOW + 1000)
    await world.until(lambda: world.failed == 2 * PATIENCE)
    assert world.most_open["e1"] == 1
    world.statuses["e1"] = 200
    world.now = UnixMs(NOW + 9000)
    await world.until_settled(PATIENCE)
    assert world.most_open["e1"] > 1


async def test_an_endpoint_that_fails_for_a_day_is_turned_off(world: World) -> None:
    world.statuses["e1"] = 500
    await world.add(*map(str, range(12)))
    await world.until(lambda: world.failed == 12)
    assert world.turned_off == []
    world.now = UnixMs(NOW + DISABLE_AFTER_MS)
    await world.until_settled(12, "failed")
    assert world.turned_off[0] == ("e1", NOW, "said")


async def test_one_that_says_it_is_gone_is_turned_off_at_once(world: World) -> None:
    world.statuses["e1"] = 410
    await world.add("a")
    await world.until_settled(1, "failed")
    assert world.turned_off[0][0] == "e1"


async def test_what_waits_for_an_endpoint_that_is_off_fails_and_of_one_that_is_gone_is_forgotten(
    world: World,
) -> None:
    world.refusals["off"] = Undeliverable(reason="it is disabled")
    world.refusals["gone"] = Undeliverable(reason="it is no more", is_gone=True)
    await world.add("a", "b", endpoint="off")
    await world.add("c", endpoint="gone")
    await world.until_settled(2, "failed")
    await world.until_settled(0, "waiting")
    found = await world.outbox.run(lambda outbox: outbox.list(DeliveryFilter()))
    assert {(each.event_id, each.text) for each in found} == {
        ("a", "it is disabled"),
        ("b", "it is disabled"),
    }
    assert not world.sent


async def test_one_that_is_turned_off_while_it_is_asked_stays_off_and_others_go_on(
    world: World,
) -> None:
    world.answers = asyncio.Event()
    await world.add("a")
    await world.until(lambda: world.sent["e1"] == ["a"])
    world.refusals["e1"] = Undeliverable(reason="it is disabled")
    await world.until_settled(1, "failed")
    world.statuses["e1"] = 500
    world.answers.set()
    await world.until(lambda: world.failed == 1)
    await world.add("b", endpoint="e2")
    await world.until_settled(1)
    assert (await world.outbox.run(lambda outbox: outbox.health("e1"))).failures <= 1
    (failed,) = await world.outbox.run(lambda box: box.list(DeliveryFilter(status="failed")))
    assert failed.text == "it is disabled"


async def test_what_another_process_replays_is_told_again(world: World) -> None:
    await world.add("a")
    await world.until_settled(1)
    other = Outbox(world.path)
    other.replay_all(DeliveryFilter(), world.now)
    other.close()
    await world.until(lambda: world.sent["e1"] == ["a", "a"])


async def test_a_delivery_that_is_our_fault_ends_no_others(world: World) -> None:
    await world.add("broken", "a")
    await world.until_settled(1)
    await world.until(lambda: world.failed == 1)
    (broken,) = await world.outbox.run(lambda box: box.list(DeliveryFilter(status="waiting")))
    assert "fault of ours" in broken.text


async def test_what_was_under_way_at_a_crash_is_told_again_co2(tmp_path: Path) -> None:
    world = World(tmp_path / "webhooks.db")
    world.statuses["e1"] = 0
    task = asyncio.create_task(world.courier.run(asyncio.Event()))
    await world.add("a", "b", email_id="m1")
    await world.until(lambda: world.sent["e1"] == ["a"])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    world.outbox.close()
    after = World(tmp_path / "webhooks.db")
    async with running(after):
        await after.until_settled(2)
        assert after.sent["e1"] == ["a", "b"]
    after.outbox.close()


async def test_an_outbox_that_is_locked_for_a_while_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angarium.webhooks.courier.RETRY_S", 0.01)
    await world.add("a")
    await world.until_settled(1)
    settle, tries = Outbox.settle, 0

    def fail(self: Outbox, *arguments: object) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise sqlite3.OperationalError("disk I/O error")
        settle(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Outbox, "settle", fail)
    await world.add("b")
    await world.until_settled(2)
    assert world.sent["e1"] == ["a", "b"]  # and nothing is told twice for it
    found = await world.outbox.run(lambda outbox: outbox.find(2))
    assert found is not None
    assert found.state is State.DELIVERED

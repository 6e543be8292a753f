"""Mirrors angarium/service/platform/webhook_follower.py: a real outbox, a log made by hand."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.history.introducing import introduction_of
from angarium.history.story import Introduction
from angarium.queue import EventCursor, MessageId, UnixMs
from angarium.queue.about import About
from angarium.queue.message_id import message_id_text
from angarium.service.platform.event_follower import NotNowError
from angarium.service.platform.webhook_follower import WebhookFollower
from angarium.tenancy import SnapshotFile
from angarium.tenancy.model import Tenant
from angarium.tenancy.snapshot import SnapshotData
from angarium.tenancy.snapshot_file import writing
from angarium.tenancy.webhook import Webhook
from angarium.webhooks.delivery import Delivery, DeliveryFilter
from angarium.webhooks.happening import decode_happening
from angarium.webhooks.outbox_thread import OutboxThread
from tests.history.samples import Log

TENANTS = tuple(
    Tenant(id=f"id-{name}", name=name, created=UnixMs(0)) for name in ("default", "shop")
)
ENDPOINT = Webhook(
    id="w1", tenant="default", url="https://x/", events=("*",), created=UnixMs(0), changed=UnixMs(0)
)


class FakeHistory:
    def __init__(self, log: Log) -> None:
        self.position = 1 << 60
        self.asked: list[MessageId] = []
        self._log = log

    async def abouts(self, message_ids: Sequence[MessageId]) -> dict[MessageId, Introduction]:
        self.asked += message_ids
        return {
            each.event.message_id: introduction_of(each.event)
            for each in self._log.positions
            if each.event.name == "accepted" and each.event.message_id in message_ids
        }

    def projected_to(self) -> int:
        return self.position


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = Log()
        self.history = FakeHistory(self.log)
        self.woken: list[str] = []
        self.stop = asyncio.Event()
        self.outbox = OutboxThread(folder / "webhooks.db")
        self.publish()
        self.follower = self.new_follower()

    def publish(self, *webhooks: Webhook) -> None:
        with writing(self.folder) as write:
            write(SnapshotData(tenants=TENANTS, webhooks=webhooks))

    def new_follower(self) -> WebhookFollower:
        return WebhookFollower(
            self.outbox,
            SnapshotFile(self.folder),
            self.history,
            lambda: UnixMs(self.log.clock.now),
            self._wake,
            self.stop,
        )

    def _wake(self, endpoints: Iterable[str]) -> None:
        self.woken += endpoints

    async def follow(self, after: int = 0) -> list[Delivery]:
        """Hand over what is behind ``after``; return all that is in the outbox, in order."""
        await self.follower.handle(self.log.positions[after:])
        return await self.told()

    async def told(self) -> list[Delivery]:
        found = await self.outbox.run(lambda outbox: outbox.list(DeliveryFilter(), limit=10_000))
        return found[::-1]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.outbox.close()


def webhook(**changed: Any) -> Webhook:
    return msgspec.structs.replace(ENDPOINT, **changed)


def types(deliveries: Sequence[Delivery]) -> list[tuple[str, str]]:
    return [(each.endpoint, each.type) for each in deliveries]


async def test_an_endpoint_is_told_what_it_wants_of_its_tenant_p7(world: World) -> None:
    world.publish(
        webhook(),
        webhook(id="w2", events=("email.bounced", "alert.*")),
        webhook(id="w3", tenant="shop"),
        webhook(id="w4", streams=("other",)),
        webhook(id="w5", format="postmark"),
    )
    message = world.log.accept("ann@example.net")
    world.log.happen("deferred", message)
    world.log.happen("bounced", message)
    assert types(await world.follow()) == [
        ("w1", "email.accepted"),
        ("w1", "email.deferred"),
        ("w5", "email.deferred"),  # which has no word for accepted
        ("w1", "email.bounced"),
        ("w2", "email.bounced"),
        ("w5", "email.bounced"),
    ]
    assert set(world.woken) == {"w1", "w2", "w5"}


async def test_what_comes_again_after_a_crash_is_told_once_wf1(world: World) -> None:
    world.publish(webhook())
    message = world.log.accept("ann@example.net", "bob@example.net")
    world.log.happen("delivered", message)
    first = await world.follow()
    world.follower = world.new_follower()
    assert await world.follow() == first
    assert len(first) == 3


async def test_an_endpoint_hears_nothing_of_before_it_was_there_or_while_it_was_off(
    world: World,
) -> None:
    message = world.log.accept("ann@example.net")
    since = UnixMs(world.log.clock.now + 1)
    world.publish(webhook(changed=since), webhook(id="off", enabled=False, reason="x"))
    world.log.happen("delivered", message)
    assert types(await world.follow()) == [("w1", "email.delivered")]


async def test_one_that_was_just_made_hears_the_next_event(world: World) -> None:
    message = world.log.accept("ann@example.net")
    await world.follow()
    world.publish(webhook())
    world.log.happen("delivered", message)
    assert types(await world.follow(1)) == [("w1", "email.delivered")]


async def test_what_the_sender_gave_along_comes_back_also_long_after(world: World) -> None:
    world.publish(webhook())
    about = About(subject="Hello", metadata={"a": 1}, recipients={"ann@example.net": {"b": 2}})
    message = world.log.accept("ann@example.net", about=about, tags=("x:y",))
    world.log.happen("delivered", message)
    await world.follow()
    assert world.history.asked == []
    world.follower = world.new_follower()  # as after a restart
    world.log.happen("opened", message)
    told = await world.follow(2)
    happening = decode_happening(told[-1].happening)
    assert happening.type == "email.opened"
    assert (happening.subject, happening.tags) == ("Hello", ("x:y",))
    assert happening.metadata == {"a": 1, "b": 2}
    assert world.history.asked == [message]


async def test_a_history_that_is_behind_is_waited_for(world: World) -> None:
    world.publish(webhook())
    about = About(subject="Hello")
    message = world.log.accept("ann@example.net", about=about)
    world.log.happen("delivered", message)
    world.history.position = 1
    task = asyncio.create_task(world.follow(1))
    await asyncio.sleep(0.1)
    assert await world.told() == []
    world.history.position = 2
    (told,) = await asyncio.wait_for(task, 20)
    assert decode_happening(told.happening).subject == "Hello"


async def test_at_the_end_a_history_that_is_behind_is_waited_for_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angarium.service.platform.webhook_follower.HISTORY_GRACE_S", 0.1)
    world.publish(webhook())
    message = world.log.accept("ann@example.net")
    world.log.happen("delivered", message)
    world.history.position = 1
    world.stop.set()
    with pytest.raises(NotNowError):
        await asyncio.wait_for(world.follow(1), 20)


async def test_the_callback_of_a_message_is_told_of_all_its_events(world: World) -> None:
    url = "https://cb.example/hook?x=1"
    message = world.log.accept("ann@example.net", tenant="shop", about=About(callback_url=url))
    other = world.log.accept("bob@example.net", tenant="shop")
    world.log.happen("delivered", other)
    await world.follow()
    world.follower = world.new_follower()
    await world.follower.begin(EventCursor(position=3))
    world.log.happen("delivered", message)
    told = await world.follow(3)
    endpoint = "callback:id-shop:https://cb.example:None"
    assert types(told) == [(endpoint, "email.accepted"), (endpoint, "email.delivered")]
    assert {each.url for each in told} == {url}
    assert {each.email_id for each in told} == {message_id_text(message)}


async def test_nobody_is_asked_where_nobody_is_told(world: World) -> None:
    message = world.log.accept("ann@example.net")
    world.log.happen("delivered", message)
    assert await world.follow(1) == []
    assert world.history.asked == []


async def test_many_recipients_are_put_in_the_outbox_in_parts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angarium.service.platform.webhook_follower.AT_ONCE", 3)
    world.publish(webhook())
    for _ in range(4):
        world.log.accept("a@example.net", "b@example.net")
    assert len(await world.follow()) == 8

"""Mirrors angarium/service/platform/webhook_parts.py: its parts together, with an endpoint on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from angarium.config.loader import load
from angarium.queue import UnixMs, WebhookDisabled
from angarium.queue.events.catalogue import CataloguedKind
from angarium.service.platform import webhook_parts
from angarium.service.platform.webhook_follower import NoIntroductions
from angarium.service.platform.webhook_parts import WebhookParts
from angarium.telemetry.metrics import Metrics
from angarium.tenancy import SnapshotFile
from angarium.tenancy.platform import Platform
from angarium.tenancy.secret_file import make_secret_file, secret_path
from angarium.tenancy.webhooks import WebhookChange, WebhookWish
from angarium.webhooks.delivery import DeliveryFilter, DeliveryStatus
from angarium.webhooks.retry import DISABLE_AFTER_MS, DISABLE_FAILURES
from tests.history.samples import Log
from tests.webhooks.receiver import Receiver

CONFIG = """
[server]
hostname = "mx1.example.com"
data_dir = "data"
[dns]
nameservers = ["127.0.0.1:1"]
[webhook]
allow_networks = [{allowed}]
"""


class Keepsakes:
    def __init__(self) -> None:
        self.events: list[CataloguedKind] = []

    def read(self, prefix: str) -> dict[str, bytes]:
        return {}

    async def write(
        self, changes: Mapping[str, bytes | None], events: Sequence[CataloguedKind] = ()
    ) -> None:
        self.events += events


class World:
    """``platform`` changes endpoints, as a command does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "angarium.toml"
        self.allow("127.0.0.1/32")
        (folder / "data").mkdir()
        self.config = load(self.file)
        make_secret_file(secret_path(self.config), None)
        self.platform = Platform.open(self.config, actor="tests")
        self.platform.publish()
        self.log = Log()
        self.keepsakes = Keepsakes()
        self.stop = asyncio.Event()
        self.metrics = Metrics()
        self.parts = WebhookParts(
            self.config,
            SnapshotFile(folder / "data"),
            NoIntroductions(),
            self.keepsakes,
            lambda: UnixMs(self.log.clock.now),
            self.stop,
            self.metrics.webhooks,
        )

    @property
    def text(self) -> str:
        return self.metrics.render().decode()

    @property
    def failed(self) -> int:
        return self.metrics.webhooks.attempts["failed"].pending

    def allow(self, *networks: str) -> None:
        allowed = ", ".join(f'"{each}"' for each in networks)
        self.file.write_text(CONFIG.format(allowed=allowed))

    def add(self, url: str) -> str:
        made = self.platform.webhooks.create(WebhookWish(tenant="default", url=url))
        self.change(made.webhook.id)
        return made.webhook.id

    def change(self, webhook_id: str) -> None:
        """It hears of what happened since the log's clock began, which is another than the platform's."""
        with self.platform.database.changing() as connection:
            connection.exec_driver_sql("UPDATE webhook SET changed = 0")
        self.platform.publish()

    async def accept(self, count: int) -> None:
        for _ in range(count):
            self.log.accept("ann@example.net")
        await self.parts.follower.handle(self.log.positions[-count:])

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.01)

    async def until_count(self, status: DeliveryStatus, count: int) -> None:
        wanted = DeliveryFilter(status=status)
        async with asyncio.timeout(30):
            while len(await self.parts.outbox.run(lambda box: box.list(wanted))) != count:
                await asyncio.sleep(0.01)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    task = asyncio.create_task(made.parts.run())
    yield made
    made.stop.set()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(task, 30)
    await made.parts.close()
    made.platform.close()


async def test_an_event_comes_from_the_log_to_the_endpoint(world: World) -> None:
    async with Receiver() as receiver:
        world.add(receiver.url())
        await world.accept(3)
        await world.until_count("delivered", 3)
        assert len(receiver.taken) == 3
    assert world.metrics.webhooks.attempts["delivered"].pending == 3


async def test_what_waits_and_what_was_given_up_is_measured(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_parts, "MEASURE_S", 0.01)
    async with Receiver() as receiver:
        receiver.statuses = [503] * 10
        world.add(receiver.url())
        await world.accept(2)
        await world.until(
            lambda: world.text.count("\nangarium_webhook_attempt_seconds_count 2.0") == 1
        )
        last = "UPDATE delivery SET attempts = 11 WHERE id = 1"
        await world.parts.outbox.run(lambda box: box._db.execute(last))
        world.log.clock.now += 2000
        wanted = (
            'angarium_webhook_deliveries{state="given_up"} 1.0',
            'angarium_webhook_deliveries{state="waiting"} 1.0',
            'angarium_webhook_attempts_total{outcome="given_up"} 1.0',
            'angarium_webhook_attempts_total{outcome="failed"} 3.0',
            "angarium_webhook_attempt_seconds_count 4.0",
        )
        await world.until(lambda: all(each in world.text for each in wanted))


async def test_one_that_fails_for_a_day_is_disabled_with_an_event(world: World) -> None:
    async with Receiver() as receiver:
        receiver.statuses = [500] * 1000
        webhook_id = world.add(receiver.url("/secret-path"))
        begun = world.log.clock.now
        await world.accept(DISABLE_FAILURES)
        await world.until(lambda: world.failed == DISABLE_FAILURES)
        assert world.platform.webhooks.find(webhook_id).enabled
        world.log.clock.now += DISABLE_AFTER_MS + 1000
        await world.until_count("failed", DISABLE_FAILURES)
        found = world.platform.webhooks.find(webhook_id)
        assert not found.enabled
        assert "failed for a day" in found.reason
        (event,) = world.keepsakes.events
        assert isinstance(event, WebhookDisabled)
        assert (event.webhook, event.tenant, event.host) == (webhook_id, "default", "127.0.0.1")
        assert begun <= event.since <= begun + 1000
        # Mended, and enabled: one more failure is not held against it
        world.platform.webhooks.change(webhook_id, WebhookChange(enabled=True))
        world.change(webhook_id)
        receiver.statuses = [500]
        failed = world.failed
        await world.accept(1)
        await world.until(lambda: world.failed == failed + 1)
        world.log.clock.now += 2000
        await world.until_count("delivered", 1)
        assert world.platform.webhooks.find(webhook_id).enabled


async def test_a_changed_configuration_holds_for_the_next_request_p1(world: World) -> None:
    async with Receiver() as receiver:
        world.add(receiver.url())
        world.allow("10.0.0.0/8")
        world.parts.exchange(load(world.file))
        await world.accept(1)
        await world.until(lambda: world.failed == 1)
        assert receiver.taken == []
        (failed,) = await world.parts.outbox.run(lambda box: box.list(DeliveryFilter()))
        assert "not public" in failed.text
        world.allow("127.0.0.0/8")
        world.parts.exchange(load(world.file))
        world.log.clock.now += 2000
        await world.until_count("delivered", 1)

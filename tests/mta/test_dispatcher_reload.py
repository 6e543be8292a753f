"""Mirrors Dispatcher.reload and EgressQueue.renew: changed limits, routes and sources under running delivery."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from angarium.config.schema import Provider
from angarium.mta.dispatcher import Dispatcher
from angarium.queue import Delivered, DueHead, PartitionNumber, QueueFullError
from angarium.routing.resolution import Site
from tests.mta.test_dispatcher import Rig
from tests.mta.test_dispatcher import rig as rig  # the fixture


def exchange(rig: Rig, dispatcher: Dispatcher, provider: Provider, keep: bool = True) -> None:
    """Reload: each site has the limits of ``provider``; if not ``keep``, it is another provider's."""
    rig.resolver.provider = provider
    rig.resolver.cache.clear()

    def renewed(site: Site) -> Site | None:
        changed = msgspec.structs.replace(provider, name=site.provider.name)
        return msgspec.structs.replace(site, provider=changed) if keep else None

    dispatcher.reload(rig.settings, renewed, lambda _: True)


def limits(connections: int, **more: float) -> Provider:
    return Provider(name="p", connections=connections, idle_s=5, **more)  # type: ignore[arg-type]


async def test_connections_fall_to_a_lowered_limit_after_the_transfers_under_way(rig: Rig) -> None:
    rig.resolver.provider = limits(3)
    mail = [f"u{n}@one.example" for n in range(30)]
    for each in mail:
        await rig.accept(each)
    rig.net.gate.clear()
    async with rig.running() as dispatcher:
        await rig.until(lambda: rig.net.open.get("mx.one.example") == 3)
        exchange(rig, dispatcher, limits(1))
        rig.net.gate.set()
        await rig.until(lambda: len(rig.recipients()) == 30)
        await rig.until(lambda: rig.net.open["mx.one.example"] == 1)
        assert len(rig.net.connections) == 3  # two left, none was opened in their place
        await rig.until(lambda: len(rig.events(Delivered)) == 30)
    assert rig.recipients() == sorted(mail)


async def test_idle_connections_over_a_lowered_limit_end_at_once(rig: Rig) -> None:
    rig.resolver.provider = limits(3)
    for n in range(9):
        await rig.accept(f"u{n}@one.example")
    rig.net.gate.clear()
    async with rig.running() as dispatcher:
        await rig.until(lambda: rig.net.open.get("mx.one.example") == 3)
        rig.net.gate.set()
        await rig.until(lambda: len(rig.events(Delivered)) == 9)
        exchange(rig, dispatcher, limits(1))
        await rig.until(lambda: rig.net.open["mx.one.example"] == 1)


async def test_connections_rise_to_a_raised_limit_without_new_mail(rig: Rig) -> None:
    rig.resolver.provider = limits(1)
    for n in range(30):
        await rig.accept(f"u{n}@one.example")
    rig.net.gate.clear()
    async with rig.running() as dispatcher:
        await rig.until(lambda: rig.net.open.get("mx.one.example") == 1)
        exchange(rig, dispatcher, limits(4))
        await rig.until(lambda: rig.net.open["mx.one.example"] == 4)
        rig.net.gate.set()
        await rig.until(lambda: len(rig.events(Delivered)) == 30)
    assert rig.net.peak["mx.one.example"] == 4


async def test_the_limit_over_all_sites_falls_and_rises_too(rig: Rig) -> None:
    rig.resolver.provider = limits(3)
    for n in range(40):
        await rig.accept(f"u{n}@d{n % 2}.example")
    rig.net.gate.clear()
    async with rig.running() as dispatcher:
        await rig.until(lambda: sum(rig.net.open.values()) == 6)
        rig.settings = msgspec.structs.replace(rig.settings, connections=2)
        exchange(rig, dispatcher, limits(3))
        rig.net.gate.set()
        await rig.until(lambda: len(rig.recipients()) == 40)
        await rig.until(lambda: sum(rig.net.open.values()) <= 2)
        await rig.until(lambda: len(rig.events(Delivered)) == 40)


async def test_recipients_and_messages_per_connection_hold_for_open_connections(rig: Rig) -> None:
    rig.resolver.provider = limits(1)
    await rig.accept("first@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: len(rig.events(Delivered)) == 1)
        less = limits(1, recipients_per_message=2, messages_per_connection=2)
        exchange(rig, dispatcher, less)
        await rig.accept(*(f"u{n}@one.example" for n in range(6)))
        await rig.until(lambda: len(rig.events(Delivered)) == 7)
    assert [len(group) for _, group in rig.net.delivered] == [1, 2, 2, 2]
    assert [each.transfers for each in rig.net.connections] == [2, 2]


async def test_what_waits_goes_by_the_new_route_and_each_once(rig: Rig) -> None:
    """Of a site that is another provider's now: its connections end, what they had claimed is given back."""
    rig.resolver.provider = limits(2)
    mail = [f"u{n}@one.example" for n in range(30)]
    for each in mail:
        await rig.accept(each)
    rig.net.gate.clear()
    async with rig.running() as dispatcher:
        await rig.until(lambda: rig.net.open.get("mx.one.example") == 2)
        before = list(rig.net.connections)
        elsewhere = rig.resolver._site_of("one.example", "new.example")
        exchange(rig, dispatcher, limits(2), keep=False)
        rig.resolver.cache["one.example"] = elsewhere
        rig.net.gate.set()
        await rig.until(lambda: len(rig.events(Delivered)) == 30)
        await rig.until(lambda: not any(each.is_open for each in before))
    assert sum(each.transfers for each in before) <= 2  # those under way
    assert rig.recipients() == sorted(mail)
    assert [host for host, _ in rig.net.delivered].count("new.example") >= 28


async def test_connections_of_a_source_with_another_address_end(rig: Rig) -> None:
    rig.resolver.provider = limits(1)
    await rig.accept("u@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: len(rig.events(Delivered)) == 1)
        dispatcher.reload(rig.settings, lambda site: site, lambda path: False)
        await rig.until(lambda: not rig.net.connections[0].is_open)
        await rig.accept("v@one.example")
        await rig.until(lambda: len(rig.events(Delivered)) == 2)
    assert len(rig.net.connections) == 2


async def test_a_reload_at_any_moment_loses_and_doubles_nothing(rig: Rig) -> None:
    rig.resolver.provider = limits(1)
    for n in range(8):
        await rig.accept(f"u{n}@one.example")
    async with rig.running() as dispatcher:
        for step in range(40):
            exchange(rig, dispatcher, limits(1), keep=step % 2 == 0)
            await asyncio.sleep(0)
        await rig.until(lambda: len(rig.events(Delivered)) == 8)
        await rig.until(lambda: not dispatcher._queues._retired)
    assert len(rig.recipients()) == 8


async def test_what_a_full_disk_kept_from_being_claimed_for_the_old_route_goes_by_the_new_one(
    rig: Rig,
) -> None:
    rig.resolver.provider = limits(1)
    async with rig.running() as dispatcher:
        claim, failing = dispatcher._clerk.claim, asyncio.Event()

        async def full_once(
            partition: PartitionNumber, heads: Sequence[DueHead], source: str
        ) -> Any:
            if failing.is_set():
                return await claim(partition, heads, source)
            failing.set()
            exchange(rig, dispatcher, limits(1), keep=False)
            raise QueueFullError("no room")

        dispatcher._clerk.claim = full_once  # type: ignore[method-assign]
        await rig.accept("u@one.example")
        await rig.until(lambda: len(rig.events(Delivered)) == 1)


async def test_limits_of_memory_hold_from_the_reload_on(rig: Rig) -> None:
    """And none is lost that waited for room."""
    rig.settings = msgspec.structs.replace(rig.settings, ready_limit=4, lane_limit=2)
    rig.resolver.provider = limits(3)
    for n in range(30):
        await rig.accept(f"u{n}@one.example")
    rig.net.gate.clear()
    loaded: list[int] = []
    rig.observer.loaded = loaded.append  # type: ignore[method-assign]
    async with rig.running() as dispatcher:
        await rig.until(lambda: rig.net.open.get("mx.one.example", 0) > 0)
        assert max(loaded) <= 4
        rig.settings = msgspec.structs.replace(
            rig.settings, ready_limit=20, lane_limit=10, poll_s=0.01
        )
        exchange(rig, dispatcher, limits(1))
        await rig.until(lambda: max(loaded) > 4)
        assert max(loaded) <= 20
        rig.net.gate.set()
        await rig.until(lambda: len(rig.events(Delivered)) == 30)


async def test_a_raised_limit_of_octets_lets_more_into_transfer(rig: Rig) -> None:
    rig.settings = msgspec.structs.replace(rig.settings, bytes_in_flight=1)
    rig.resolver.provider = limits(3)
    for n in range(6):
        await rig.accept(f"u{n}@one.example")
    rig.net.gate.clear()
    async with rig.running() as dispatcher:
        await rig.until(lambda: any(each.has_begun for each in rig.net.connections))
        rig.settings = msgspec.structs.replace(rig.settings, bytes_in_flight=100_000)
        exchange(rig, dispatcher, limits(3))
        await rig.until(lambda: sum(each.has_begun for each in rig.net.connections) == 3)
        rig.net.gate.set()
        await rig.until(lambda: len(rig.events(Delivered)) == 6)

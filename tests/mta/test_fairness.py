"""One sender's silent nameservers and hosts, and everybody else's mail: a dispatcher at work."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from angarium.config.schema import Delivery, Provider
from angarium.mta.dispatcher import Dispatcher
from angarium.mta.transport.transfer import ALL_EXTENSIONS, EgressPath, Extensions, TlsPolicy
from angarium.queue import DeliveryId
from angarium.queue.memory.spool import MemorySpool
from angarium.routing.fair_turns import Whose
from angarium.routing.resolution import MxHost, Resolution
from tests.mta.test_dispatcher import PARTITIONS, Rig, SetClock

BAD = "bad@sender.example"
GOOD = "good@sender.example"
SILENT_DOMAINS = 5_000
SILENT_SITES = 1_000


class FairRig(Rig):
    """Domains below ``nodns.example`` are never resolved; hosts below ``silent.example`` accept and say nothing."""

    def __init__(self, **settings: Any) -> None:
        clock = SetClock()
        super().__init__(
            MemorySpool(clock, PARTITIONS),
            Delivery(retry_s=(30.0,), poll_s=0.02, retry_jitter=0, **settings),
            Provider(name="p", connections=3, idle_s=0.2),
            clock,
        )
        self.hanging = 0
        self._connect = self.net.connect
        self._resolve = self.resolver.resolve
        self.net.connect = self.connect  # type: ignore[method-assign]
        self.resolver.resolve = self.resolve  # type: ignore[method-assign]

    async def resolve(self, domain: str, whose: Whose) -> Resolution:
        if domain.endswith(".nodns.example"):
            await asyncio.Event().wait()
        return await self._resolve(domain, whose)

    async def connect(
        self,
        host: MxHost,
        address: str,
        path: EgressPath,
        tls: TlsPolicy,
        use: Extensions = ALL_EXTENSIONS,
        progress: Any = None,
    ) -> Any:
        if host.name.endswith(".silent.example"):
            progress.awaiting("banner")
            self.hanging += 1
            try:
                await asyncio.Event().wait()
            finally:
                self.hanging -= 1
        return await self._connect(host, address, path, tls)

    async def flood(self, below: str, count: int) -> None:
        """Ten messages of one sender."""
        names = [f"u@{number}.{below}" for number in range(count)]
        for start in range(0, count, count // 10):
            await self.accept(*names[start : start + count // 10], reverse_path=BAD)


@pytest.fixture
async def rig() -> AsyncIterator[FairRig]:
    rig = FairRig()
    yield rig
    rig.spool.close()


async def test_silent_nameservers_of_one_sender_hold_up_nobody_elses_mail(rig: FairRig) -> None:
    await rig.flood("nodns.example", SILENT_DOMAINS)
    async with rig.running() as dispatcher:
        for number in range(5):
            await rig.accept(f"v@new{number}.example", reverse_path=GOOD)
        await rig.until(lambda: len(rig.recipients()) == 5)
        # Known by now, it needs no place, whoever sends it
        await rig.accept("w@new0.example", reverse_path=BAD)
        await rig.until(lambda: len(rig.recipients()) == 6)
        stopping = asyncio.get_running_loop().time()
        del dispatcher
    assert asyncio.get_running_loop().time() - stopping < rig.drain_s  # nor a stop


async def test_silent_hosts_hold_up_no_other_mail(rig: FairRig) -> None:
    await rig.flood("silent.example", SILENT_SITES)
    async with rig.running() as dispatcher:
        await rig.until(lambda: rig.hanging > rig.settings.connections)
        for number in range(5):
            await rig.accept(f"v@new{number}.example", reverse_path=GOOD)
        await rig.until(lambda: len(rig.recipients()) == 5)
        # The sender's own, too, behind all of the silent ones
        await rig.accept("w@other.example", reverse_path=BAD)
        await rig.until(lambda: len(rig.recipients()) == 6)
        assert sum(dispatcher.openings().values()) == rig.hanging
        for each in dispatcher.open_connections():
            dispatcher.end_connection(each.id)


@pytest.mark.parametrize("opening", [1, 50])
async def test_nor_with_few_places_for_slow_ones(opening: int) -> None:
    rig = FairRig(connections=20, opening=opening)
    await rig.flood("silent.example", SILENT_SITES)
    async with rig.running() as dispatcher:
        await rig.until(lambda: rig.hanging > 10)
        for number in range(5):
            await rig.accept(f"v@new{number}.example", reverse_path=GOOD)
        await rig.until(lambda: len(rig.recipients()) == 5)
        assert rig.hanging <= 20 + opening
        for each in dispatcher.open_connections():
            dispatcher.end_connection(each.id)
    rig.spool.close()


class Counted(Rig):
    """Each domain below ``big`` is a site of its own of one provider; messages are counted, nothing is timed."""

    def __init__(self, **settings: Any) -> None:
        clock = SetClock()
        super().__init__(
            MemorySpool(clock, PARTITIONS),
            Delivery(retry_s=(30.0,), poll_s=0.02, retry_jitter=0, **settings),
            Provider(name="p", connections=3, idle_s=0.2),
            clock,
        )
        self.net.gate.clear()
        self.asks_often = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Dispatcher]:
        async with super().running() as dispatcher:
            if self.asks_often:
                for each in self.partitions:
                    self._ask_during_claims(dispatcher, each)
            yield dispatcher

    @staticmethod
    def _ask_during_claims(dispatcher: Dispatcher, partition: Any) -> None:
        """Have whatever waits ask for a place during each claim, as where commits take longer than a tick."""
        claim = partition.claim

        async def slow_claim(*which: Any) -> Any:
            dispatcher._queues.kick_waiting()
            return await claim(*which)

        partition.claim = slow_claim

    async def all_places_taken(self) -> None:
        await self.until(lambda: sum(each.has_begun for each in self.net.connections) == 3)

    async def accept_in_memory(self, dispatcher: Dispatcher, recipient: str, **more: Any) -> None:
        """Accept a message, and wait until it waits for a place, or for those before it."""
        id_ = DeliveryId((await self.accept(recipient, **more)).message_id, 0)
        domain = recipient.partition("@")[2]

        def state() -> str:
            return dispatcher.find_whereabouts(id_, domain, in_flight=False).state

        await self.until(lambda: state() not in ("on_disk", "resolving"))

    async def delivered_before(self, recipient: str) -> int:
        """Open the gate; return how many transfers ended before that of a recipient."""
        self.net.gate.set()
        await self.until(lambda: any(recipient in to for _, to in self.net.delivered))
        return next(at for at, (_, to) in enumerate(self.net.delivered) if recipient in to)


async def test_what_a_tenant_has_waiting_delays_another_by_a_turn() -> None:
    rig = Counted(lane_limit=500)
    for number in range(3_000):
        await rig.accept(f"u{number}@one.example", tenant="big")
    async with rig.running() as dispatcher:
        await rig.all_places_taken()
        await rig.accept_in_memory(dispatcher, "single@one.example", tenant="small")
        # Three in transfer, and those that were claimed to follow them
        assert await rig.delivered_before("single@one.example") <= 3 + 5 + 2
    rig.spool.close()


async def test_nor_by_more_where_a_provider_has_a_site_per_customer() -> None:
    rig = Counted(lane_limit=2_000)
    for number in range(1_200):
        await rig.accept(f"u{number}@d{number % 100}.big", tenant="big")
    async with rig.running() as dispatcher:
        await rig.all_places_taken()
        await rig.accept_in_memory(dispatcher, "single@another.big", tenant="small")
        # Each connection goes on for ten transfers before it makes room for another site
        assert await rig.delivered_before("single@another.big") <= 3 * 10 + 5
    rig.spool.close()


@pytest.mark.parametrize("asks_often", [False, True])
async def test_urgent_mail_goes_before_a_tenants_own_bulk(asks_often: bool) -> None:
    rig = Counted(lane_limit=2_000)
    rig.asks_often = asks_often
    for number in range(1_200):
        await rig.accept(f"u{number}@d{number % 100}.big", stream="bulk", priority=5)
    async with rig.running() as dispatcher:
        await rig.all_places_taken()
        for to in ("d70", "another"):
            await rig.accept_in_memory(
                dispatcher, f"single@{to}.big", stream="transactional", priority=1
            )
        # Three sites have a connection, and go on for ten transfers; of eight turns one is the bulk's
        assert await rig.delivered_before("single@another.big") <= 2 * 3 * 10
        assert await rig.delivered_before("single@d70.big") <= 2 * 3 * 10
    rig.spool.close()

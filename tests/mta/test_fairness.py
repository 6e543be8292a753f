"""One sender's silent nameservers and hosts, and everybody else's mail: a dispatcher at work."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from angarium.config.schema import Delivery, Provider
from angarium.mta.transport.transfer import ALL_EXTENSIONS, EgressPath, Extensions, TlsPolicy
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

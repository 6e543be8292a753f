"""An egress queue above real sessions with a scripted peer."""

import asyncio
import random
import time
from typing import Any

import msgspec

from angarium.config.schema import DeliveryTimeouts
from angarium.mta.egress.egress_queue import EgressQueue
from angarium.mta.transport.connector import SmtpConnector
from angarium.mta.transport.host_search import HostSearch
from angarium.mta.transport.lessons import Experience
from angarium.mta.transport.outcome import Outcome, Taken
from angarium.mta.transport.transfer import TlsPolicy
from angarium.queue.model import UnixMs
from angarium.routing.resolution import MxHost, Site
from tests.mta.egress.fakes import PATH, Around, head, site

CLEAR = TlsPolicy(mode="off")


def clock() -> UnixMs:
    return UnixMs(time.time_ns() // 1_000_000)


class Rig(Around):
    """An egress queue to one peer."""

    def __init__(self, port: int, tls: TlsPolicy = CLEAR, **limits: Any) -> None:
        super().__init__()
        self.experience = Experience(60, 60, clock)
        timeouts = DeliveryTimeouts(command_s=5, quit_s=0.1, tls_handshake_s=5)
        self.connector = SmtpConnector(timeouts, "mta.example", clock, self.experience)
        hosts = HostSearch(self, lambda site, host: tls, clock, random.Random(1))
        host = MxHost(name="mx", port=port, preference=0, addresses=("127.0.0.1",))
        self.site = msgspec.structs.replace(site(**limits), hosts=(host,))
        shared = msgspec.structs.replace(self.shared, hosts=hosts)
        self.queue = EgressQueue(shared, PATH, self.site, self.mover)

    def connector_of(self, site: Site) -> SmtpConnector:
        return self.connector

    async def deliver(self, numbers: range) -> list[Outcome]:
        """Return what they came to, once each has an outcome."""
        expected = len(self.clerk.outcomes) + len(numbers)
        for each in numbers:
            self.queue.push(head(each))
        self.queue.kick()
        async with asyncio.timeout(30):
            while len(self.clerk.outcomes) + len(self.undeliverable.heads) < expected:
                await asyncio.sleep(0.002)
        return self.clerk.outcomes[-len(numbers) :]

    async def end(self) -> None:
        self.queue.drain()
        async with asyncio.timeout(30):
            await asyncio.gather(*self.tasks)
        assert not self.observer.errors
        assert self.places.total == 0

    def assert_all_taken(self) -> None:
        assert self.undeliverable.heads == []
        assert [type(each) for each in self.clerk.outcomes if not isinstance(each, Taken)] == []

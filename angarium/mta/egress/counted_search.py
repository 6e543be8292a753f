"""The search for a host that takes a connection, each address asked counted as the connection that it is."""

import asyncio

from angarium.mta.egress.lease import Lease
from angarium.mta.egress.shared import EgressShared, Way
from angarium.queue.stage import Stage
from angarium.routing.resolution import MxHost


class CountedSearch:
    """Satisfies ``transfer.Progress``. A site's other hosts are the same provider's: a connection that one refused
    was one, and the next is another.

    Invariant 6: no address is connected to before the provider's ``connection_rate`` allows it.
    """

    def __init__(self, shared: EgressShared, way: Way, lease: Lease) -> None:
        self._shared = shared
        self._way = way
        self._lease = lease
        self._is_counted = True  # the next one: whoever took the lease counted the first

    async def trying(self, host: MxHost, address: str) -> None:
        if not self._is_counted:
            await self._count()
        self._is_counted = False
        self._lease.trying(host, address)

    def awaiting(self, stage: Stage) -> None:
        self._lease.awaiting(stage)

    async def _count(self) -> None:
        policy, way, clock = self._shared.policy, self._way, self._shared.clock
        while (wait := policy.find_connection_wait(way.path, way.site, clock())) is not None:
            self._lease.awaiting("")
            await asyncio.sleep(max(1, wait.until - clock()) / 1000)
        policy.connecting(way.path, way.site, clock())

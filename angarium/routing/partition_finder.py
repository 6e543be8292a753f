"""Where a domain's recipients are queued: as the queue remembers it, or as routes and providers say."""

import time
from collections.abc import Callable
from typing import Final

from angarium.config.schema import Config
from angarium.queue import LmdbSpool, PartitionNumber
from angarium.routing.placement import Placement
from angarium.routing.provider_table import ProviderTable
from angarium.routing.route_table import RouteTable

KEPT_S: Final = 5.0  # a domain that was resolved meanwhile costs one move per message until then
DOMAINS: Final = 10_000


class PartitionFinder:
    def __init__(self, placement: Placement, spool: LmdbSpool, clock: Callable[[], float]) -> None:
        """``clock`` counts seconds and never goes back."""
        self._placement = placement
        self._spool = spool
        self._clock = clock
        self._known: dict[str, PartitionNumber] = {}  # a cache, emptied every KEPT_S
        self._until = 0.0

    def __call__(self, domain: str) -> PartitionNumber:
        now = self._clock()
        if now >= self._until or len(self._known) >= DOMAINS:
            self._known.clear()
            self._until = now + KEPT_S
        partition = self._known.get(domain)
        if partition is None:
            hint = self._spool.find_route(domain)
            partition = self._placement.partition_hint(domain) if hint is None else hint.partition
            self._known[domain] = partition
        return partition


def make_partition_finder(config: Config, spool: LmdbSpool) -> PartitionFinder:
    placement = Placement(
        RouteTable(config.route),
        ProviderTable(config.provider),
        len(spool.partitions()),
        config.delivery.port,
    )
    return PartitionFinder(placement, spool, time.monotonic)

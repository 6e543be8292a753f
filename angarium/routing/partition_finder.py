"""Where a domain's recipients are queued: as the queue remembers it, or as routes and providers say."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from angarium.queue import PartitionNumber, RouteHint
from angarium.routing.placement import partition_of
from angarium.routing.routing import Routing

KEPT_S: Final = 5.0  # a domain that was resolved meanwhile costs one move per message until then
DOMAINS: Final = 10_000


class RouteMemory(Protocol):
    """The part of ``queue.Spool`` that is asked here."""

    def partitions(self) -> Sequence[PartitionNumber]: ...
    def find_route(self, domain: str) -> RouteHint | None: ...


class PartitionFinder:
    """What can be told of a domain's partition without asking DNS. A wrong guess costs one move in the queue.

    The queue's route table knows better, once the domain has been resolved: it is asked first. What it remembers of a
    provider's domain before a reload is such a wrong guess, until the domain is resolved again.
    """

    def __init__(
        self, routing: Routing, queue: RouteMemory, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``clock`` counts seconds and never goes back."""
        self._routing = routing
        self._queue = queue
        self._clock = clock
        self._partitions = len(queue.partitions())  # fixed when the queue is made
        self._known: dict[str, PartitionNumber] = {}  # a cache, emptied every KEPT_S
        self._until = 0.0

    def exchange(self, routing: Routing) -> None:
        """Guess by other routes and providers from now on."""
        self._routing = routing
        self._known.clear()

    def __call__(self, domain: str) -> PartitionNumber:
        now = self._clock()
        if now >= self._until or len(self._known) >= DOMAINS:
            self._known.clear()
            self._until = now + KEPT_S
        partition = self._known.get(domain)
        if partition is None:
            hint = self._queue.find_route(domain)
            if hint is not None:
                partition = hint.partition
            else:
                provider = self._routing.expected_provider(domain)
                partition = partition_of(provider, self._partitions)
            self._known[domain] = partition
        return partition

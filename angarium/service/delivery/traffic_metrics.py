"""Carries a delivery process's traffic over to its metrics, under labels that the configuration bounds."""

from collections.abc import Callable, Mapping
from typing import Final

from angarium.mta.dispatcher import Dispatcher
from angarium.queue import UnixMs
from angarium.service.platform.provider_labels import ProviderLabels
from angarium.telemetry.path_metrics import PathMetrics

# Ours: what is there now is looked through less often than what was counted; thousands of paths take milliseconds
GAUGES_EVERY: Final = 5


class TrafficMetrics:
    def __init__(
        self,
        dispatcher: Dispatcher,
        in_force: Callable[[UnixMs], Mapping[str, int]],
        labels: ProviderLabels,
        metrics: PathMetrics,
    ) -> None:
        self._dispatcher = dispatcher
        self._in_force = in_force
        self._labels = labels
        self._metrics = metrics
        self._beats = 0

    def follow(self) -> None:
        """Called about once a second."""
        for key, tally in self._dispatcher.take_new_counts().items():
            self._metrics.count(
                (self._labels.of(key.provider), key.source),
                {
                    "delivered": tally.delivered,
                    "deferred": tally.deferred,
                    "bounced": tally.bounced,
                },
                {"opened": tally.connections, "refused": tally.refused},
            )
        if self._beats % GAUGES_EVERY == 0:
            self._set_gauges()
        self._beats += 1

    def _set_gauges(self) -> None:
        waiting: dict[tuple[str, str], int] = {}
        connections: dict[tuple[str, str], int] = {}
        for key, (waits, taken) in self._dispatcher.loads().items():
            pair = (self._labels.of(key.provider), key.source)
            waiting[pair] = waiting.get(pair, 0) + waits
            connections[pair] = connections.get(pair, 0) + taken
        limits: dict[tuple[str, str], int] = {}
        for key, limit in self._dispatcher.limits().items():
            pair = (self._labels.of(key.provider), key.source)
            limits[pair] = limits.get(pair, 0) + limit.connections
        self._metrics.set_now(waiting, connections, limits)
        now = self._dispatcher.now()
        self._metrics.set_in_force(self._in_force(now))

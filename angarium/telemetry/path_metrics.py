"""Metrics by provider and egress source: of a bounded number of pairs, the rest together as ``other``.

Knows no configuration: who follows the traffic says which names are labels at all.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from angarium.telemetry.maker import MetricMaker

OTHER: Final = "other"
# Ours, per process: with all their outcomes they fill half of ``shared_files.FILE_OCTETS``
MAX_PAIRS: Final = 100
IN_FORCE_KINDS: Final = ("rule", "warm_up", "source", "hold")
Pair = tuple[str, str]  # provider, source


class ProviderQueue(msgspec.Struct, frozen=True, kw_only=True):
    """What is queued for one provider: recipients, and the age of the oldest message."""

    scheduled: int = 0
    held: int = 0
    in_flight: int = 0
    oldest_s: float = 0.0


class PathMetrics:
    """Made once per process, by ``Metrics``."""

    def __init__(self, maker: MetricMaker) -> None:
        pair = ("provider", "source")
        self._recipients = maker.open_counters(
            "path_recipients", "Recipients that a provider answered for", *pair, "outcome"
        )
        self._connections = maker.open_counters(
            "path_connections", "Connections opened, and those that could not be", *pair, "result"
        )
        self._open = maker.open_gauges(
            "path_connections_open", "Connections, now", *pair, mode="livesum"
        )
        self._waiting = maker.open_gauges(
            "path_waiting_recipients", "Recipients that wait in memory, now", *pair, mode="livesum"
        )
        self._in_force = maker.open_gauges(
            "restrictions_in_force",
            "What narrows the configured limits, now",
            "kind",
            mode="livesum",
        )
        self._limit = maker.open_gauges(
            "path_connections_limit",
            "Connections that there may be, while something waits; 0: nothing does",
            *pair,
            mode="livesum",
        )
        self._queued = maker.open_gauges(
            "provider_queue_recipients",
            "Recipients in the queue",
            *("provider", "state"),
            mode="livesum",
        )
        self._oldest = maker.open_gauges(
            "provider_queue_oldest_seconds",
            "Age of the oldest message that is queued; 0: there is none",
            "provider",
            mode="livesum",
        )
        self._pairs: set[Pair] = set()
        self._providers: set[str] = set()

    def count(
        self, pair: Pair, recipients: Mapping[str, int], connections: Mapping[str, int]
    ) -> None:
        """Add, by outcome and by result."""
        labels = self._labels(pair)
        for outcome, number in recipients.items():
            if number:
                self._recipients.labels(*labels, outcome).inc(number)
        for result, number in connections.items():
            if number:
                self._connections.labels(*labels, result).inc(number)

    def set_now(
        self,
        waiting: Mapping[Pair, int],
        connections: Mapping[Pair, int],
        limits: Mapping[Pair, int],
    ) -> None:
        """What is not named has none, whatever it had before."""
        shown = ((self._waiting, waiting), (self._open, connections), (self._limit, limits))
        for gauge, values in shown:
            sums = dict.fromkeys(self._pairs, 0)
            for pair, number in values.items():
                labels = self._labels(pair)
                sums[labels] = sums.get(labels, 0) + number
            for labels, number in sums.items():
                gauge.labels(*labels).set(number)

    def set_in_force(self, kinds: Mapping[str, int]) -> None:
        """How many of each of these kinds there are; the others are somebody else's to say."""
        for kind, number in kinds.items():
            self._in_force.labels(kind).set(number)

    def set_queued(self, queues: Mapping[str, ProviderQueue]) -> None:
        """By provider, of names that the caller bounds. Of the one process that counts the queue."""
        self._providers.update(queues)
        for provider in self._providers:
            found = queues.get(provider, ProviderQueue())
            self._queued.labels(provider, "scheduled").set(found.scheduled)
            self._queued.labels(provider, "held").set(found.held)
            self._queued.labels(provider, "in_flight").set(found.in_flight)
            self._oldest.labels(provider).set(found.oldest_s)

    def _labels(self, pair: Pair) -> Pair:
        if pair not in self._pairs:
            if len(self._pairs) >= MAX_PAIRS:
                pair = (OTHER, OTHER)
            self._pairs.add(pair)
        return pair

"""Makes metrics of one registry, each bound to its labels at once: never on the hot path. Carries over what they count.

Names are given without ``angarium_``; a counter's without ``_total``.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from angarium.telemetry.counted import Counted
from angarium.telemetry.distribution import Distribution

PREFIX: Final = "angarium_"


class MetricMaker:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._counted: list[Counted] = []
        self._distributions: list[Distribution] = []

    def flush(self) -> None:
        for counted in self._counted:
            if counted.pending:
                counted.flush()
        for distribution in self._distributions:
            distribution.flush()

    def counter(self, name: str, text: str) -> Counted:
        return self._remember(Counter(PREFIX + name, text, registry=self.registry))

    def counters(self, name: str, text: str, **label: Sequence[str]) -> Mapping[str, Counted]:
        ((key, values),) = label.items()
        parent = self.open_counters(name, text, key)
        return {value: self._remember(parent.labels(value)) for value in values}

    def counter_grid(
        self, name: str, text: str, **labels: Sequence[str]
    ) -> Mapping[tuple[str, ...], Counted]:
        parent = self.open_counters(name, text, *labels)
        return {
            values: self._remember(parent.labels(*values))
            for values in itertools.product(*labels.values())
        }

    def open_counters(self, name: str, text: str, *labels: str) -> Counter:
        """Of labels whose values come later; who asks for them bounds them."""
        return Counter(PREFIX + name, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str) -> Gauge:
        return Gauge(PREFIX + name, text, registry=self.registry, multiprocess_mode="livesum")

    def least(self, name: str, text: str) -> Gauge:
        """A gauge that several processes set, and that is not added up: a limit that holds over all of them."""
        return Gauge(PREFIX + name, text, registry=self.registry, multiprocess_mode="livemin")

    def gauges(self, name: str, text: str, **label: Sequence[str]) -> Mapping[str, Gauge]:
        ((key, values),) = label.items()
        parent = self.open_gauges(name, text, key, mode="livesum")
        return {value: parent.labels(value) for value in values}

    def open_gauges(
        self, name: str, text: str, *labels: str, mode: Literal["livemin", "livesum"] = "livemin"
    ) -> Gauge:
        """``livemin``: of what several processes have, the least, such as the first certificate to end."""
        full = PREFIX + name
        return Gauge(full, text, labels, registry=self.registry, multiprocess_mode=mode)

    def distribution(self, name: str, text: str, buckets: Sequence[float]) -> Distribution:
        child = Histogram(PREFIX + name, text, registry=self.registry, buckets=buckets)
        return self._keep(child, buckets)

    def distributions(
        self, name: str, text: str, buckets: Sequence[float], **label: Sequence[str]
    ) -> Mapping[str, Distribution]:
        ((key, values),) = label.items()
        parent = Histogram(PREFIX + name, text, [key], registry=self.registry, buckets=buckets)
        return {value: self._keep(parent.labels(value), buckets) for value in values}

    def _remember(self, child: Counter) -> Counted:
        counted = Counted(child)
        self._counted.append(counted)
        return counted

    def _keep(self, child: Histogram, buckets: Sequence[float]) -> Distribution:
        found = Distribution(child, buckets)
        self._distributions.append(found)
        return found

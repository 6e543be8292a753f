"""Makes metrics of one registry, each bound to its labels at once: never on the hot path. Carries over what they count.

Names are given without ``angarium_``; a counter's without ``_total``.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from angarium.telemetry.counted import Counted
from angarium.telemetry.distribution import Distribution

PREFIX: Final = "angarium_"
Mode = Literal["livemin", "livesum"]
Labels = Mapping[str, Sequence[str]]
Type = Literal["counter", "gauge", "histogram"]


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A metric, for who reads about it."""

    section: str
    name: str  # as Prometheus has it: angarium_refused_total
    type: Type
    text: str
    # By label; without values: they come later, as the configuration has them
    labels: Mapping[str, Sequence[str]]


class MetricMaker:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.section = ""  # of what is made from now on
        self.described: list[Described] = []
        self._counted: list[Counted] = []
        self._distributions: list[Distribution] = []

    def flush(self) -> None:
        for counted in self._counted:
            if counted.pending:
                counted.flush()
        for distribution in self._distributions:
            distribution.flush()

    # --- counters

    def counter(self, name: str, text: str) -> Counted:
        return self._remember(self._counter(name, text, {}))

    def counters(self, name: str, text: str, **label: Sequence[str]) -> Mapping[str, Counted]:
        parent = self._counter(name, text, label)
        ((_, values),) = label.items()
        return {value: self._remember(parent.labels(value)) for value in values}

    def counter_grid(
        self, name: str, text: str, **labels: Sequence[str]
    ) -> Mapping[tuple[str, ...], Counted]:
        parent = self._counter(name, text, labels)
        return {
            values: self._remember(parent.labels(*values))
            for values in itertools.product(*labels.values())
        }

    def open_counters(self, name: str, text: str, *labels: str) -> Counter:
        """Of labels whose values come later; who asks for them bounds them."""
        return self._counter(name, text, dict.fromkeys(labels, ()))

    # --- gauges

    def gauge(self, name: str, text: str) -> Gauge:
        return self._gauge(name, text, {}, "livesum")

    def least(self, name: str, text: str) -> Gauge:
        """A gauge that several processes set, and that is not added up: a limit that holds over all of them."""
        return self._gauge(name, text, {}, "livemin")

    def gauges(self, name: str, text: str, **label: Sequence[str]) -> Mapping[str, Gauge]:
        parent = self._gauge(name, text, label, "livesum")
        ((_, values),) = label.items()
        return {value: parent.labels(value) for value in values}

    def open_gauges(self, name: str, text: str, *labels: str, mode: Mode = "livemin") -> Gauge:
        """``livemin``: of what several processes have, the least, such as the first certificate to end."""
        return self._gauge(name, text, dict.fromkeys(labels, ()), mode)

    # --- histograms

    def distribution(self, name: str, text: str, buckets: Sequence[float]) -> Distribution:
        return self._keep(self._histogram(name, text, buckets, {}), buckets)

    def distributions(
        self, name: str, text: str, buckets: Sequence[float], **label: Sequence[str]
    ) -> Mapping[str, Distribution]:
        parent = self._histogram(name, text, buckets, label)
        ((_, values),) = label.items()
        return {value: self._keep(parent.labels(value), buckets) for value in values}

    # --- making and remembering

    def _counter(self, name: str, text: str, labels: Labels) -> Counter:
        self._describe(f"{name}_total", "counter", text, labels)
        return Counter(PREFIX + name, text, [*labels], registry=self.registry)

    def _gauge(self, name: str, text: str, labels: Labels, mode: Mode) -> Gauge:
        self._describe(name, "gauge", text, labels)
        return Gauge(PREFIX + name, text, [*labels], registry=self.registry, multiprocess_mode=mode)

    def _histogram(
        self, name: str, text: str, buckets: Sequence[float], labels: Labels
    ) -> Histogram:
        self._describe(name, "histogram", text, labels)
        return Histogram(PREFIX + name, text, [*labels], registry=self.registry, buckets=buckets)

    def _describe(self, name: str, type_: Type, text: str, labels: Labels) -> None:
        self.described.append(
            Described(
                section=self.section,
                name=PREFIX + name,
                type=type_,
                text=text,
                labels={key: tuple(values) for key, values in labels.items()},
            )
        )

    def _remember(self, child: Counter) -> Counted:
        counted = Counted(child)
        self._counted.append(counted)
        return counted

    def _keep(self, child: Histogram, buckets: Sequence[float]) -> Distribution:
        found = Distribution(child, buckets)
        self._distributions.append(found)
        return found

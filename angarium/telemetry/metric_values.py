"""What metrics stand at, over all processes, and by how much counters grew: for who judges them inside."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from prometheus_client.metrics_core import Metric

Labels = frozenset[tuple[str, str]]
_PREFIX: Final = "angarium_"


class MetricValues:
    """At one moment. Names are given without ``angarium_``; a counter's with its ``_total``."""

    def __init__(self, families: Iterable[Metric], names: Collection[str]) -> None:
        """``names``: of samples that are kept; the others are passed over."""
        self._values: dict[str, dict[Labels, float]] = {}
        for family in families:
            for sample in family.samples:
                name = sample.name.removeprefix(_PREFIX)
                if name in names:
                    self._values.setdefault(name, {})[frozenset(sample.labels.items())] = (
                        sample.value
                    )

    def rows(self, name: str) -> Mapping[Labels, float]:
        return self._values.get(name, {})

    def find(self, name: str, **labels: str) -> float | None:
        """Return the sum of those with these labels; None: there is no such metric."""
        wanted = frozenset(labels.items())
        found = [value for have, value in self.rows(name).items() if wanted <= have]
        return sum(found) if found else None

    def by(self, name: str, label: str) -> dict[str, float]:
        """Return the sums by the value of one label."""
        sums: dict[str, float] = {}
        for have, value in self.rows(name).items():
            key = dict(have).get(label, "")
            sums[key] = sums.get(key, 0.0) + value
        return sums


class Growth:
    """Of counters, over a sliding window of looks. What was set back, as by a restart, has grown by what it is now."""

    def __init__(self, reach_s: float) -> None:
        self.reach_s = reach_s
        self._looks: deque[tuple[float, MetricValues]] = deque()

    def add(self, at_s: float, values: MetricValues) -> None:
        """``at_s``: of a clock that never goes back."""
        self._looks.append((at_s, values))
        # One look beyond the window stays: what grew since then covers all of it
        while len(self._looks) > 2 and self._looks[1][0] <= at_s - self.reach_s:
            self._looks.popleft()

    def reaches(self, span_s: float) -> bool:
        """Whether there was a look so long ago."""
        return self._looks[-1][0] - self._looks[0][0] >= span_s if self._looks else False

    def of(self, name: str, span_s: float, **labels: str) -> float:
        """Return by how much the sum of those with these labels grew."""
        wanted = frozenset(labels.items())
        return sum(grown for have, grown in self._rows(name, span_s).items() if wanted <= have)

    def buckets(self, name: str, span_s: float) -> tuple[Sequence[float], Sequence[int]]:
        """Return the upper bounds of a histogram's buckets, and how many values came into each alone; the last count
        is of what lies beyond. Of all labels together.
        """
        upto: dict[float, float] = {}
        for have, grown in self._rows(f"{name}_bucket", span_s).items():
            bound = float(dict(have)["le"])
            upto[bound] = upto.get(bound, 0.0) + grown
        bounds = sorted(upto)
        below, counts = 0.0, []
        for bound in bounds:
            counts.append(max(0, round(upto[bound] - below)))
            below = upto[bound]
        return [each for each in bounds if each != float("inf")], counts

    def _rows(self, name: str, span_s: float) -> dict[Labels, float]:
        if not self._looks:
            return {}
        now, last = self._looks[-1]
        first = next(
            (values for at, values in reversed(self._looks) if at <= now - span_s),
            self._looks[0][1],
        )
        before = first.rows(name)
        grown = {}
        for have, value in last.rows(name).items():
            # One that was not there yet began at 0
            was = before.get(have, 0.0)
            grown[have] = value - was if value >= was else value
        return grown

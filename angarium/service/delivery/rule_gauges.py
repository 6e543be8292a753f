"""How many rules are in force, by name, as metrics: the configuration bounds the names, and a limit besides."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from angarium.reputation.in_force import InForce
from angarium.telemetry.metrics import Metrics

# Ours: more rules than that share one label
MAX_NAMES: Final = 200
OTHER: Final = "other"


class RuleGauges:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._shown: dict[str, None] = {}

    def follow(self, effects: Sequence[InForce]) -> None:
        """A name that was shown once stays, with 0: a graph must see that it is over."""
        counts: Counter[str] = Counter()
        for effect in effects:
            if effect.rule not in self._shown and len(self._shown) < MAX_NAMES:
                self._shown[effect.rule] = None
            counts[effect.rule if effect.rule in self._shown else OTHER] += 1
        for name in (*self._shown, *([OTHER] if len(self._shown) >= MAX_NAMES else ())):
            self._metrics.rules_in_force(name).set(counts[name])

"""What /readyz and /metrics tell, gathered from the files that all processes of the server write."""

from collections.abc import Sequence
from pathlib import Path

from angarium.service.life.slot import Slot
from angarium.service.life.state import read_reasons
from angarium.telemetry.metrics import Metrics


class Health:
    """Implements api.HealthSource."""

    def __init__(self, state: Path, slots: Sequence[Slot], metrics: Metrics) -> None:
        self._state = state
        self._slots = slots
        self._metrics = metrics

    def reasons(self) -> Sequence[str]:
        return read_reasons(self._state, self._slots)

    def metrics(self) -> bytes:
        return self._metrics.render()

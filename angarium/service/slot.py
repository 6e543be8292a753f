"""The places that processes fill. A restarted process fills its predecessor's, and goes on with its metrics."""

from pathlib import Path

import msgspec


class Slot(msgspec.Struct, frozen=True):
    role: str  # of ``role_table``
    index: int

    @property
    def name(self) -> str:
        return f"{self.role}-{self.index}"


def forget(slot: Slot, metrics: Path) -> None:
    """Remove the live gauges of a dead process. Its counters stay."""
    for gauge in metrics.glob(f"gauge_live*_{slot.name}.db"):
        gauge.unlink(missing_ok=True)

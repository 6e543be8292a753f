"""The places that processes fill. A restarted process fills its predecessor's, and goes on with its metrics."""

from pathlib import Path

import msgspec

from angarium.config.schema import Config


class Slot(msgspec.Struct, frozen=True):
    role: str  # ingress | delivery | platform | single
    index: int

    @property
    def name(self) -> str:
        return f"{self.role}-{self.index}"


def slots_of(config: Config) -> list[Slot]:
    """Return the processes that a server of several has, in the order of their start."""
    return [
        *(Slot("platform", index) for index in range(1)),
        *(Slot("delivery", index) for index in range(config.server.delivery_processes)),
        *(Slot("ingress", index) for index in range(config.server.ingress_processes)),
    ]


def forget(slot: Slot, metrics: Path) -> None:
    """Remove the live gauges of a dead process. Its counters stay."""
    for gauge in metrics.glob(f"gauge_live*_{slot.name}.db"):
        gauge.unlink(missing_ok=True)

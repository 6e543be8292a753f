"""The places that processes fill. A restarted process fills its predecessor's, and goes on with its metrics."""

import contextlib
import fnmatch

import msgspec

from angarium.host.directory import Directory


class Slot(msgspec.Struct, frozen=True):
    role: str  # of ``role_table``
    index: int

    @property
    def name(self) -> str:
        return f"{self.role}-{self.index}"


def forget(slot: Slot, metrics: Directory) -> None:
    """Remove the live gauges of a dead process. Its counters stay."""
    with contextlib.suppress(OSError), metrics:
        for name in fnmatch.filter(metrics.names(), f"gauge_live*_{slot.name}.db"):
            metrics.remove(name)

"""What this process takes of the machine: processor time, memory and open files."""

import contextlib
import resource
import time
from pathlib import Path
from typing import Final

from angarium.host.process_memory import read_memory
from angarium.telemetry.metrics import Metrics

PERIOD_S: Final = 10.0  # between two looks: with ten thousand open files one takes 3 ms


class ProcessGauges:
    def __init__(self, metrics: Metrics, name: str) -> None:
        process = metrics.process
        self._own = process.memory(name, "own")
        self._mapped = process.memory(name, "mapped")
        self._files = process.open_files(name)
        self._file_limit = process.file_limit(name)
        self._cpu = process.cpu(name)
        self._looked: float | None = None

    def follow(self, now: float) -> None:
        """Look if it is time to; ``now`` counts seconds. Cheap to call each second. Linux only."""
        self._cpu.follow(time.process_time())
        if self._looked is not None and now - self._looked < PERIOD_S:
            return
        self._looked = now
        if (memory := read_memory()) is not None:
            self._own.set(memory.own_octets)
            self._mapped.set(memory.mapped_octets)
        self._file_limit.set(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        with contextlib.suppress(OSError):  # not Linux
            # One of them is the directory itself.
            self._files.set(sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1)

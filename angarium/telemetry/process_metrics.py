"""Metrics of the processes of the server: what each takes of the machine, and whether it keeps up."""

import platform
from typing import Final

from prometheus_client import Gauge

from angarium import __version__
from angarium.telemetry.counted import CountedSum
from angarium.telemetry.maker import MetricMaker

MEMORY_KINDS: Final = ("own", "mapped")
# How late an event loop is: 10 ms are a busy one's, above a second it hardly answers
LATE_BUCKETS_S: Final = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class ProcessMetrics:
    """Made once per process, by ``Metrics``."""

    def __init__(self, maker: MetricMaker) -> None:
        self._memory = maker.open_gauges(
            "process_memory_bytes", "Memory of a process", "process", "kind", mode="livesum"
        )
        self._open_files = maker.open_gauges(
            "process_open_files", "Open files of a process", "process", mode="livesum"
        )
        self._file_limit = maker.open_gauges(
            "process_open_files_limit",
            "Files that a process may have open",
            "process",
            mode="livesum",
        )
        self._cpu = maker.open_counters(
            "process_cpu_seconds", "Processor time of a process, its children's left out", "process"
        )
        self.late = maker.distribution(
            "event_loop_late_seconds",
            "How late a process was when it should have come back to its event loop",
            LATE_BUCKETS_S,
        )
        build = maker.open_gauges("build_info", "What runs: always 1", "version", "python")
        build.labels(__version__, platform.python_version()).set(1)

    def memory(self, process: str, kind: str) -> Gauge:
        assert kind in MEMORY_KINDS
        return self._memory.labels(process, kind)

    def open_files(self, process: str) -> Gauge:
        return self._open_files.labels(process)

    def file_limit(self, process: str) -> Gauge:
        return self._file_limit.labels(process)

    def cpu(self, process: str) -> CountedSum:
        return CountedSum(self._cpu.labels(process))

"""Mirrors angarium/telemetry/process_gauges.py."""

import gc
import os
import re
import sys
import time
from pathlib import Path

import pytest

from angarium.telemetry.metrics import Metrics
from angarium.telemetry.process_gauges import PERIOD_S, ProcessGauges

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def value(metrics: Metrics, name: str, labels: str) -> float:
    match = re.search(
        rf"^angarium_{name}{{{labels}}} (\S+)$", metrics.render().decode(), re.MULTILINE
    )
    assert match is not None
    return float(match[1])


def test_memory_and_open_files_are_those_of_the_process() -> None:
    gc.collect()  # what other tests have left open
    metrics = Metrics()
    gauges = ProcessGauges(metrics, "ingress-0")
    gauges.follow(100.0)
    own = value(metrics, "process_memory_bytes", 'kind="own",process="ingress-0"')
    mapped = value(metrics, "process_memory_bytes", 'kind="mapped",process="ingress-0"')
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line
    )
    resident = int(line.split()[1]) * 1024
    assert abs(own + mapped - resident) < 64 << 20
    assert own > 4 << 20
    before = value(metrics, "process_open_files", 'process="ingress-0"')
    assert value(metrics, "process_open_files_limit", 'process="ingress-0"') >= before
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(7)]
    try:
        gauges.follow(100.0 + PERIOD_S / 2)
        assert value(metrics, "process_open_files", 'process="ingress-0"') == before
        gauges.follow(100.0 + PERIOD_S)
        assert value(metrics, "process_open_files", 'process="ingress-0"') == before + 7
    finally:
        for each in opened:
            os.close(each)


def test_processor_time_is_counted_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    gauges = ProcessGauges(metrics, "ingress-0")
    for seconds in (1.5, 2.25):
        monkeypatch.setattr(time, "process_time", lambda seconds=seconds: seconds)
        gauges.follow(100.0)
    assert value(metrics, "process_cpu_seconds_total", 'process="ingress-0"') == 2.25

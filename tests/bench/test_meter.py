"""Mirrors bench/meter.py: what a system costs must not depend on who waits for its processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.meter import Cpu, Meter, find_cgroup2, parse_cpu_stat

# Its child burns processor time and is reaped by the kernel, unaccounted, as Exim's deliveries are.
FORGETFUL = """
import os, signal, sys, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
sys.stdin.readline()
if os.fork() == 0:
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    os._exit(0)
try:
    os.wait()
except ChildProcessError:
    print("done", flush=True)
sys.stdin.readline()
"""


def test_a_cgroups_processor_time_is_read_in_seconds() -> None:
    text = "usage_usec 3500000\nuser_usec 2250000\nsystem_usec 1250000\nnice_usec 0\n"
    assert parse_cpu_stat(text) == Cpu(user_s=2.25, system_s=1.25)


V1 = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        (V2, Path("/sys/fs/cgroup")),
        (V1 + V2.replace("cgroup cg", "cgroup/unified cg"), Path("/sys/fs/cgroup/unified")),
        (V1, None),
    ],
)
def test_the_second_hierarchy_is_found_among_the_mounts(mounts: str, expected: Path | None) -> None:
    assert find_cgroup2(mounts) == expected


def test_a_child_that_nobody_waits_for_is_counted() -> None:
    with Meter() as meter:
        if not meter.counts_orphans:
            pytest.skip("no cgroup can be made here")
        process = subprocess.Popen(
            [sys.executable, "-c", FORGETFUL], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            meter.adopt([process.pid])
            assert meter.pids() == [process.pid]
            before = meter.cpu()
            process.stdin.write(b"go\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"done\n"
            assert meter.cpu().since(before).total_s > 0.25


def test_a_meter_that_adopted_nothing_counts_nothing() -> None:
    with Meter() as meter:
        meter.adopt([])
        assert meter.cpu().total_s == 0
        assert meter.pids() == []

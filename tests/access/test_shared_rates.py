"""Mirrors angarium/access/shared_rates.py."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.access import shared_rates
from angarium.access.allowance import Allowance
from angarium.access.shared_rates import SLOTS, SharedRates
from angarium.queue.model import UnixMs

NOW = 1_800_000_000_000
ROOT = Path(__file__).parents[2]
TAKE = """
import sys
from angarium.access.shared_rates import SharedRates
rates = SharedRates(int(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(sum(not rates.take("key:a", 500, 1_800_000_000_000).wait_ms for _ in range(2000)))
"""


HOLD = """
import fcntl, sys
fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_SH)
print("held", flush=True)
sys.stdin.readline()
"""
LOCKS = Path("/proc/locks")


def two() -> tuple[SharedRates, SharedRates]:
    """Each with a mapping of its own, as after an exec."""
    fd = SharedRates.create()
    return SharedRates(fd), SharedRates(os.dup(fd))


def test_what_is_left_is_said_and_comes_back() -> None:
    rates = SharedRates.of_one_process()

    def take(now: int) -> Allowance:
        return rates.take("key:a", 4, UnixMs(now))

    assert take(NOW) == Allowance(limit=4, remaining=3, reset_ms=250, wait_ms=0)
    assert [take(NOW).remaining for _ in range(3)] == [2, 1, 0]
    assert take(NOW) == Allowance(limit=4, remaining=0, reset_ms=1000, wait_ms=250)
    assert take(NOW + 249).wait_ms == 1
    assert take(NOW + 250) == Allowance(limit=4, remaining=0, reset_ms=1000, wait_ms=0)
    assert take(NOW + 2000).remaining == 3
    assert rates.take("key:b", 4, UnixMs(NOW)).remaining == 3


def test_two_processes_share_a_rate() -> None:
    one, other = two()
    allowed = [not each.take("key:a", 10, UnixMs(NOW)).wait_ms for each in (one, other) * 10]
    assert allowed.count(True) == 10


def test_processes_that_take_at_once_get_no_more_than_the_rate() -> None:
    """SRT1, with real processes: none of 8,000 tries is lost, and none is counted twice."""
    fd = SharedRates.create()
    os.set_inheritable(fd, True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE, str(fd)],
            pass_fds=(fd,),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for each in started:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in started:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    allowed = [int(each.communicate(timeout=60)[0]) for each in started]
    os.close(fd)
    assert sum(allowed) == 500


def test_a_number_is_read_and_written_alone() -> None:
    """SRT1: while another process has the bucket, even to read it, nobody takes."""
    fd = SharedRates.create()
    os.set_inheritable(fd, True)
    rates = SharedRates(fd)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(fd)],
        pass_fds=(fd,),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    taking = threading.Thread(target=rates.take, args=("key:a", 5, UnixMs(NOW)))
    taking.start()
    waiting = f":{os.fstat(fd).st_ino} "
    while taking.is_alive() and not any(
        "->" in line and waiting in line for line in LOCKS.read_text().splitlines()
    ):
        time.sleep(0.001)
    assert taking.is_alive()  # it waits: the kernel says so
    other.communicate("\n", timeout=60)
    taking.join(60)
    assert rates.take("key:a", 5, UnixMs(NOW)).remaining == 3


def test_a_clock_that_steps_back_keeps_nobody_waiting_for_long() -> None:
    """SRT2."""
    rates = SharedRates.of_one_process()
    for _ in range(5):
        rates.take("key:a", 5, UnixMs(NOW))
    assert rates.take("key:a", 5, UnixMs(NOW - 3_600_000)).wait_ms == 200


def test_under_a_lower_rate_nobody_owes_more_than_its_burst() -> None:
    rates = SharedRates.of_one_process()
    for _ in range(1000):
        rates.take("key:a", 1000, UnixMs(NOW))
    assert rates.take("key:a", 2, UnixMs(NOW)).wait_ms == 500


def test_names_in_a_full_bucket_share_a_rate_and_never_get_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SRT3."""
    monkeypatch.setattr(shared_rates, "BUCKETS", 1)
    rates = SharedRates.of_one_process()
    allowed = 0
    for name in map(str, range(3 * SLOTS)):
        allowed += not rates.take(name, 1, UnixMs(NOW)).wait_ms
    assert allowed == SLOTS
    # Whoever is as good as new makes room
    later = [not rates.take(f"new {n}", 1, UnixMs(NOW + 1000)).wait_ms for n in range(3 * SLOTS)]
    assert sum(later) == SLOTS


@given(
    rate=st.integers(1, 50),
    steps=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 20), st.booleans()), max_size=30),
)
def test_within_any_time_no_more_than_the_rate_and_a_burst(
    rate: int, steps: list[tuple[int, int, bool]]
) -> None:
    """SRT1, over two processes."""
    one, other = two()
    now = NOW
    allowed: list[int] = []
    for passed, tries, is_one in steps:
        now += passed
        for _ in range(tries):
            found = (one if is_one else other).take("key:a", rate, UnixMs(now))
            if not found.wait_ms:
                allowed.append(now)
            assert found.limit == rate
            assert 0 <= found.remaining < rate
    for first, start in enumerate(allowed):
        for count, at in enumerate(allowed[first:], 1):
            assert count <= rate + (at - start) * rate / 1000
    for each in (one, other):
        os.close(each._fd)

"""Mirrors angarium/host/priority.py."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from angarium.host.priority import step_back


def nice_here() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_one_thread_steps_back_and_no_other() -> None:
    before = nice_here()
    with ThreadPoolExecutor(1, initializer=step_back) as stepped, ThreadPoolExecutor(1) as other:
        assert stepped.submit(nice_here).result() == 5
        assert other.submit(nice_here).result() == before
    assert nice_here() == before

"""The machine's clock, which people set: for who is given no other one."""

import time

from angarium.queue.model import UnixMs


def wall_clock() -> UnixMs:
    return UnixMs(time.time_ns() // 1_000_000)

"""Mirrors angarium/mta/transport/tls_memory.py."""

from angarium.mta.transport import tls_memory
from angarium.mta.transport.tls_memory import TlsMemory
from angarium.queue.model import UnixMs


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> UnixMs:
        return UnixMs(self.now)


def test_a_broken_host_is_remembered_for_its_time_and_no_longer_d6() -> None:
    clock = Clock()
    memory = TlsMemory(60, clock)
    memory.remember("mx.example", "192.0.2.1")
    assert memory.is_broken("mx.example", "192.0.2.1")
    assert not memory.is_broken("mx.example", "192.0.2.2")
    clock.now += 59_999
    assert memory.is_broken("mx.example", "192.0.2.1")
    clock.now += 1
    assert not memory.is_broken("mx.example", "192.0.2.1")
    assert len(memory) == 0


def test_a_clock_that_steps_back_does_not_prolong_it() -> None:
    clock = Clock()
    memory = TlsMemory(60, clock)
    memory.remember("mx.example", "192.0.2.1")
    clock.now -= 1
    assert not memory.is_broken("mx.example", "192.0.2.1")


def test_it_is_bounded_and_forgets_the_oldest() -> None:
    memory = TlsMemory(60, Clock())
    for number in range(tls_memory.MAX_HOSTS + 1):
        memory.remember(f"mx{number}.example", "192.0.2.1")
    assert len(memory) == tls_memory.MAX_HOSTS
    assert not memory.is_broken("mx0.example", "192.0.2.1")
    assert memory.is_broken("mx1.example", "192.0.2.1")

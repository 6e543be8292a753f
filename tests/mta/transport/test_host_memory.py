"""Mirrors angarium/mta/transport/host_memory.py."""

from angarium.mta.transport import host_memory
from angarium.mta.transport.host_memory import HostMemory
from angarium.queue.model import UnixMs


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> UnixMs:
        return UnixMs(self.now)


def test_what_a_host_has_shown_is_remembered_for_its_time_and_no_longer() -> None:
    clock = Clock()
    memory: HostMemory[str] = HostMemory(60, clock)
    memory.remember("mx.example", "192.0.2.1", "broken")
    assert memory.find("mx.example", "192.0.2.1") == "broken"
    assert memory.find("mx.example", "192.0.2.2") is None
    clock.now += 59_999
    assert memory.find("mx.example", "192.0.2.1") == "broken"
    clock.now += 1
    assert memory.find("mx.example", "192.0.2.1") is None
    assert len(memory) == 0


def test_a_clock_that_steps_back_does_not_prolong_it() -> None:
    clock = Clock()
    memory: HostMemory[str] = HostMemory(60, clock)
    memory.remember("mx.example", "192.0.2.1", "broken")
    clock.now -= 1
    assert memory.find("mx.example", "192.0.2.1") is None


def test_it_is_bounded_and_forgets_the_oldest() -> None:
    memory: HostMemory[int] = HostMemory(60, Clock())
    for number in range(host_memory.MAX_HOSTS + 1):
        memory.remember(f"mx{number}.example", "192.0.2.1", number)
    assert len(memory) == host_memory.MAX_HOSTS
    assert memory.find("mx0.example", "192.0.2.1") is None
    assert memory.find("mx1.example", "192.0.2.1") == 1
    memory.forget("mx1.example", "192.0.2.1")
    memory.forget("mx1.example", "192.0.2.1")  # again: nothing
    assert memory.find("mx1.example", "192.0.2.1") is None

"""Mirrors angarium/mta/egress/waits.py."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from angarium.mta.egress.waits import Waits
from angarium.queue.model import UnixMs


class Loop:
    """Stands in for the running loop's timers and clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        self.timers: list[Any] = []
        self.set = 0
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: self)

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> Any:
        loop = self
        loop.set += 1

        class Timer:
            at = when

            def cancel(self) -> None:
                loop.timers.remove(self)

            def fire(self) -> None:
                loop.now = max(loop.now, when)
                loop.timers.remove(self)
                call()

        loop.timers.append(Timer())
        return loop.timers[-1]

    def clock(self) -> UnixMs:
        return UnixMs(int(self.now * 1000))


class Waiter:
    def __init__(self, loop: Loop, name: str, woken: list[tuple[str, int]]) -> None:
        self.loop, self.name, self.woken = loop, name, woken
        self.then: Callable[[], None] = lambda: None

    def wait_is_over(self) -> None:
        self.woken.append((self.name, self.loop.clock()))
        self.then()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(monkeypatch)


def test_one_timer_serves_all_waits_and_none_ends_early(loop: Loop) -> None:  # WT1
    waits, woken = Waits(loop.clock), list[tuple[str, int]]()
    a, b, c = (Waiter(loop, name, woken) for name in "abc")
    now = loop.clock()
    waits.add(b, UnixMs(now + 200))
    waits.add(a, UnixMs(now + 100))
    waits.add(c, UnixMs(now + 300))
    while loop.timers:
        (timer,) = loop.timers
        timer.fire()
    assert [name for name, _ in woken] == ["a", "b", "c"]
    assert all(at >= now + each for (_, at), each in zip(woken, (100, 200, 300), strict=True))
    assert len(waits) == 0


def test_of_several_waits_of_one_the_first_counts(loop: Loop) -> None:
    waits, woken = Waits(loop.clock), list[tuple[str, int]]()
    a, now = Waiter(loop, "a", woken), loop.clock()
    for delay in (300, 100, 200):
        waits.add(a, UnixMs(now + delay))
    loop.timers[0].fire()
    assert len(woken) == 1
    assert loop.timers == []
    assert woken[0][1] == now + 101  # rounded up


def test_those_that_end_together_are_woken_in_turn_by_one_timer(loop: Loop) -> None:
    waits, woken = Waits(loop.clock), list[tuple[str, int]]()
    until = UnixMs(loop.clock() + 100)
    for name in "abc":
        waits.add(Waiter(loop, name, woken), until)
    assert loop.set == 1
    loop.timers[0].fire()
    assert [name for name, _ in woken] == ["a", "b", "c"]
    assert loop.set == 1


def test_who_waits_again_when_woken_is_woken_again_and_later(loop: Loop) -> None:
    waits, woken = Waits(loop.clock), list[tuple[str, int]]()
    a = Waiter(loop, "a", woken)
    a.then = lambda: waits.add(a, UnixMs(loop.clock() + 1))
    waits.add(a, loop.clock())
    for _ in range(3):
        (timer,) = loop.timers
        timer.fire()
    assert sorted({at for _, at in woken}) == [at for _, at in woken]  # each later than the last


def test_who_waits_no_longer_is_not_woken(loop: Loop) -> None:
    waits, woken = Waits(loop.clock), list[tuple[str, int]]()
    a, b = Waiter(loop, "a", woken), Waiter(loop, "b", woken)
    waits.add(a, UnixMs(loop.clock() + 100))
    waits.add(b, UnixMs(loop.clock() + 200))
    waits.forget(a)
    while loop.timers:
        loop.timers[0].fire()
    assert [name for name, _ in woken] == ["b"]
    waits.add(a, UnixMs(loop.clock() + 100))
    waits.stop()
    assert loop.timers == []

"""Mirrors angarium/reputation/appointments.py."""

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.quantity import parse_rate
from angarium.reputation.appointments import SWEEP_AT, WAITERS, Appointments

START = 1_700_000_000_000


class Day:
    """Waiters that have endless work, each asked again when its time has come, as ``mta.egress.waits`` does."""

    def __init__(self, rate: str, waiters: int) -> None:
        self.rate = parse_rate(rate)
        self.book: Appointments[str, int] = Appointments()
        self.asked = 0
        self.went = dict.fromkeys(range(waiters), 0)
        self.waits = [(START, number, number) for number in range(waiters)]
        self.number = waiters

    def run(self, for_ms: int, late_ms: int = 0) -> None:
        while self.waits[0][0] < START + for_ms:
            at, _, waiter = heapq.heappop(self.waits)
            now = at + late_ms
            while (end := self.ask(waiter, now)) is None:
                self.book.take("k", self.rate, waiter, now)
                self.went[waiter] += 1
            self.number += 1
            heapq.heappush(self.waits, (end, self.number, waiter))

    def ask(self, waiter: int, now: int) -> int | None:
        self.asked += 1
        return self.book.find_end("k", self.rate, waiter, now)


@pytest.mark.parametrize("waiters", [1, 2, 30, 1_000])
def test_ap2_asking_costs_the_same_for_each_that_goes_however_many_wait(waiters: int) -> None:
    day = Day("100/s", waiters)
    day.run(30_000)
    went = sum(day.went.values())
    assert 2_900 <= went <= 3_010  # and nothing of the rate is lost
    assert day.asked <= 2.1 * went + waiters


@pytest.mark.parametrize(("rate", "waiters"), [("10/s", 3), ("100/s", 7), ("60/min burst 5", 4)])
def test_ap1_all_have_the_same_share(rate: str, waiters: int) -> None:
    day = Day(rate, waiters)
    day.run(60_000)
    assert max(day.went.values()) - min(day.went.values()) <= parse_rate(rate).burst + 1


@given(st.integers(1, 40), st.integers(0, 30), st.sampled_from(["10/s", "50/s", "200/s burst 3"]))
def test_ap1_nobody_is_forgotten_when_timers_are_late(waiters: int, late: int, rate: str) -> None:
    day = Day(rate, waiters)
    day.run(20_000, late)
    assert min(day.went.values()) >= 1


def test_ap1_who_finds_that_another_was_faster_is_the_next() -> None:
    book: Appointments[str, str] = Appointments()
    rate = parse_rate("10/s")
    book.take("k", rate, "x", START)
    assert book.find_end("k", rate, "a", START) == START + 100
    assert book.find_end("k", rate, "b", START) == START + 200
    assert book.find_end("k", rate, "a", START + 50) == START + 100  # asked too early
    assert book.find_end("k", rate, "new", START + 100) is None
    book.take("k", rate, "new", START + 100)
    assert book.find_end("k", rate, "a", START + 100) == START + 200
    assert book.find_end("k", rate, "new", START + 100) == START + 300


def test_a_changed_rate_and_a_clock_that_steps_back_make_the_times_anew() -> None:
    book: Appointments[str, str] = Appointments()
    slow, fast = parse_rate("1/h"), parse_rate("10/s")
    book.take("k", slow, "x", START)
    assert book.find_end("k", slow, "a", START) == START + 3_600_000
    assert book.find_end("k", fast, "a", START) == START + 100
    back = START - 3_600_000
    assert book.find_end("k", fast, "a", back) == back + 100


def test_who_never_comes_to_its_time_is_forgotten() -> None:
    book: Appointments[str, int] = Appointments()
    rate = parse_rate("10/s")
    for waiter in range(1_000):  # each takes one, would take another, and is not heard of again
        now = START + waiter * 1_000
        assert book.find_end("k", rate, waiter, now) is None
        book.take("k", rate, waiter, now)
        assert book.find_end("k", rate, waiter, now) is not None
    assert len(book._books["k"].until) <= 2 * SWEEP_AT


def test_waiters_beyond_what_is_remembered_wait_all_the_same() -> None:
    book: Appointments[str, int] = Appointments()
    rate = parse_rate("1/s")
    book.take("k", rate, -1, START)
    for waiter in range(WAITERS + 5):
        end = book.find_end("k", rate, waiter, START)
        assert end is not None
        assert end > START
    assert len(book._books["k"].until) == WAITERS


def test_who_asks_only_is_told_the_soonest_time_and_keeps_nobody_waiting() -> None:
    book: Appointments[str, str] = Appointments()
    rate = parse_rate("10/s")
    book.take("k", rate, "x", START)
    for _ in range(3):
        assert book.find_end("k", rate, "asks", START, books=False) == START + 100
    assert book.find_end("k", rate, "comes", START) == START + 100
    assert book.find_end("k", rate, "asks", START, books=False) == START + 100

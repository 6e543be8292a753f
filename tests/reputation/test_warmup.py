"""Mirrors angarium/reputation/warmup.py."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from angarium.queue.model import UnixMs
from angarium.reputation.health import Counts
from angarium.reputation.warmup import (
    DAY_MS,
    HOUR_MS,
    STEP_BACK_HOURS,
    Hindrance,
    Warmup,
    WarmupRecord,
)

NOON = UnixMs(1_800_000_000_000 // DAY_MS * DAY_MS + 12 * HOUR_MS)
PLAN = (20, 28, 39, 55)


def ms(hours: float) -> UnixMs:
    """So long after the beginning."""
    return UnixMs(NOON + int(hours * HOUR_MS))


def write(warmup: Warmup) -> WarmupRecord:
    record = warmup.record
    warmup.written(record)
    return record


def send(warmup: Warmup, messages: int, now: UnixMs) -> int:
    """Send as many of them as may go, one at a time; returns how many did."""
    for sent in range(messages):
        hindrance = warmup.find_hindrance(1, now)
        if hindrance is Hindrance.UNWRITTEN:
            write(warmup)
            hindrance = warmup.find_hindrance(1, now)
        if hindrance is not None:
            return sent
        warmup.take(1, now)
    return messages


def begun(hour: float = 0) -> Warmup:
    return Warmup(PLAN, None, ms(hour))


def test_an_hour_has_what_the_plan_allows_and_no_more() -> None:
    """WU1; ``Sink`` tries it with crashes and a bad clock."""
    warmup = begun()
    assert send(warmup, 100, ms(0.2)) == 20
    assert warmup.find_hindrance(1, ms(0.99)) is Hindrance.HOUR
    assert warmup.opens_at(ms(0.99)) == ms(1)
    assert send(warmup, 100, ms(1)) == 20


def test_a_day_after_mail_that_was_taken_is_the_next_of_the_plan() -> None:
    warmup = begun()
    assert send(warmup, 1, ms(0)) == 1
    warmup.turn(ms(23.99))
    assert warmup.day == 0
    warmup.turn(ms(24))
    assert (warmup.day, warmup.cap) == (1, 28)
    warmup.turn(ms(100))  # nothing was sent since
    assert warmup.day == 1


def test_after_the_last_day_it_is_warm() -> None:
    warmup = begun()
    for day in range(4):
        assert not warmup.is_warm
        send(warmup, 1, ms(24 * day))
    warmup.turn(ms(96))
    assert warmup.is_warm
    assert send(warmup, 1000, ms(96)) == 1000


def test_a_complaint_about_yesterdays_mail_is_one_of_yesterdays_many() -> None:
    warmup = begun()
    send(warmup, 20, ms(0))
    warmup.told(Counts(delivered=10_000), ms(0))
    send(warmup, 10, ms(24.1))
    warmup.told(Counts(delivered=10), ms(24.1))
    warmup.told(Counts(complained=5), ms(24.2))
    assert (warmup.day, warmup.note) == (1, "")
    warmup.told(Counts(complained=30), ms(24.3))
    assert (warmup.day, warmup.note) == (
        0,
        "it went from day 1 to day 0: 0.3% complained of (35 of 10010)",
    )


@pytest.mark.parametrize(
    ("counts", "day", "note"),
    [
        (Counts(delivered=90, deferred=10), 1, "it stayed at day 1: 10.0% deferred (10 of 100)"),
        (Counts(delivered=96, bounced=4), 1, "it stayed at day 1: 4.0% bounced (4 of 100)"),
        (
            Counts(delivered=70, deferred=30),
            0,
            "it went from day 1 to day 0: 30.0% deferred (30 of 100)",
        ),
        (Counts(delivered=100), 2, ""),
    ],
)
def test_it_advances_only_while_it_is_well(counts: Counts, day: int, note: str) -> None:
    warmup = begun()
    send(warmup, 1, ms(0))
    send(warmup, 1, ms(24))
    warmup.told(counts, ms(25))
    warmup.turn(ms(48))
    assert (warmup.day, warmup.note) == (day, note)


def test_it_steps_back_at_once_and_once_an_hour() -> None:
    warmup = begun()
    for hour in (0, 24, 48):
        send(warmup, 1, ms(hour))
    bad = Counts(deferred=30)
    for _ in range(5):
        warmup.told(bad, ms(48.5))
    assert (warmup.day, warmup.cap) == (1, 28)
    warmup.told(bad, ms(49))
    assert warmup.day == 0
    warmup.told(bad, ms(50))
    assert warmup.day == 0


def test_what_the_hour_has_sent_counts_after_a_step_back() -> None:
    warmup = begun()
    send(warmup, 1, ms(0))
    assert send(warmup, 25, ms(24)) == 25
    warmup.told(Counts(deferred=30), ms(24.1))
    assert warmup.cap == 20
    assert send(warmup, 1, ms(24.2)) == 0
    assert send(warmup, 30, ms(25)) == 20


def test_thirty_idle_days_begin_it_anew() -> None:
    warmup = begun()
    for day in range(4):
        send(warmup, 1, ms(24 * day))
    warmup.turn(ms(72 + 30 * 24 - 1))
    assert warmup.is_warm
    warmup.turn(ms(72 + 30 * 24))
    assert (warmup.day, warmup.note) == (0, "it began again after 30 days without mail")


def test_an_operator_holds_promotes_and_restarts() -> None:
    warmup = begun()
    send(warmup, 1, ms(0))
    warmup.hold(on=True)
    warmup.turn(ms(24))
    assert warmup.day == 0
    send(warmup, 1, ms(25))
    warmup.hold(on=False)
    warmup.turn(ms(48))
    assert warmup.day == 1
    warmup.promote()
    assert warmup.day == 2
    warmup.promote(to_end=True)
    assert warmup.is_warm
    warmup.restart()
    assert (warmup.day, warmup.is_held) == (0, False)


def test_nothing_is_taken_before_it_is_reserved_on_disk() -> None:
    warmup = begun()
    assert warmup.find_hindrance(1, ms(0)) is Hindrance.UNWRITTEN
    record = warmup.record
    assert warmup.find_hindrance(1, ms(0)) is Hindrance.UNWRITTEN  # not on disk yet
    warmup.written(record)
    assert warmup.find_hindrance(1, ms(0)) is None
    assert 1 <= record.reserved <= 20


def test_what_was_reserved_counts_as_sent_after_a_crash_but_not_after_an_end() -> None:
    warmup = begun()
    send(warmup, 3, ms(0))
    crashed = Warmup(PLAN, write(warmup), ms(0.1))
    assert crashed.used == 11  # a block, and the first
    assert send(crashed, 100, ms(0.2)) == 9
    ended = Warmup(PLAN, warmup.final_record, ms(0.1))
    assert send(ended, 100, ms(0.2)) == 17


def test_a_clock_that_goes_back_a_little_waits_for_the_hour_it_had_come_to() -> None:
    warmup = begun()
    send(warmup, 20, ms(0.5))
    send(warmup, 5, ms(1))
    assert warmup.find_hindrance(1, ms(0.99)) is Hindrance.HOUR
    assert warmup.opens_at(ms(0.99)) == ms(1)
    assert send(warmup, 100, ms(1.1)) == 15


def test_a_clock_that_was_years_ahead_costs_an_hour() -> None:
    warmup = begun()
    send(warmup, 20, ms(0))
    send(warmup, 1, ms(90_000))
    assert send(warmup, 1, ms(0.5)) == 0
    assert send(warmup, 100, ms(1)) == 20


def test_the_time_that_is_left_follows_the_plan() -> None:
    warmup = begun()
    send(warmup, 5, ms(0))
    assert warmup.eta(15, ms(0.5)) == ms(0.5)
    assert warmup.eta(16, ms(0.5)) == ms(1)
    assert warmup.eta(15 + 23 * 20 + 28, ms(0.5)) == ms(24)
    assert warmup.eta(15 + 23 * 20 + 29, ms(0.5)) == ms(25)
    assert warmup.eta(10_000, ms(0.5)) is None  # warm by then
    warmup.hold(on=True)
    assert warmup.eta(15 + 100 * 20, ms(0.5)) == ms(100)


def test_a_shorter_plan_ends_it() -> None:
    record = WarmupRecord(day=3, hour=ms(0) // HOUR_MS)
    assert Warmup((5, 6), record, ms(0)).is_warm


@given(st.lists(st.integers(min_value=1, max_value=30), min_size=1, max_size=60))
@settings(max_examples=50, deadline=None)
def test_without_trouble_the_day_never_falls(hours: list[int]) -> None:
    """WU2."""
    warmup, now, day = begun(), ms(0), 0
    for step in hours:
        now = UnixMs(now + step * HOUR_MS)
        sent = send(warmup, 50, now)
        warmup.told(Counts(delivered=sent), now)
        assert warmup.day >= day
        day = warmup.day
    assert day >= min(len(PLAN), sum(hours) // (24 + 30) - 1)


class Sink(RuleBasedStateMachine):
    """WU1: a provider that counts by the hours of our clock, whatever crashes and however the clock goes."""

    @initialize()
    def begin(self) -> None:
        self.now = ms(0)
        self.disk: WarmupRecord | None = None
        self.warmup = Warmup(PLAN, None, self.now)
        self.taken: Counter[int] = Counter()
        self.caps: dict[int, int] = {}
        self.newest = self.now // HOUR_MS
        self.writing: WarmupRecord | None = None

    @rule(minutes=st.integers(min_value=1, max_value=180))
    def time_goes_on(self, minutes: int) -> None:
        self.now = UnixMs(self.now + minutes * 60_000)

    @rule(minutes=st.integers(min_value=1, max_value=STEP_BACK_HOURS * 60 - 61))
    def the_clock_steps_back(self, minutes: int) -> None:
        if (self.now - minutes * 60_000) // HOUR_MS >= self.newest - STEP_BACK_HOURS:
            self.now = UnixMs(self.now - minutes * 60_000)

    @rule(
        messages=st.integers(min_value=1, max_value=4),
        times=st.integers(1, 30),
        writes=st.booleans(),
    )
    def send(self, messages: int, times: int, *, writes: bool) -> None:
        hour = self.now // HOUR_MS
        for _ in range(times):
            hindrance = self.warmup.find_hindrance(messages, self.now)
            if hindrance is Hindrance.UNWRITTEN and writes:
                self.a_write_begins()
                self.a_write_ends()
                hindrance = self.warmup.find_hindrance(messages, self.now)
            if hindrance is None:
                self.warmup.take(messages, self.now)
                self.taken[hour] += messages
                cap = self.warmup.cap
                assert cap is None or self.taken[hour] <= cap, (hour, self.taken[hour], cap)
        self.newest = max(self.newest, hour)

    @rule()
    def a_write_begins(self) -> None:
        self.writing = self.warmup.record

    @precondition(lambda self: self.writing is not None)
    @rule()
    def a_write_ends(self) -> None:
        assert self.writing is not None
        self.disk = self.writing
        self.warmup.written(self.writing)
        self.writing = None

    @rule(is_written=st.booleans())
    def crash(self, is_written: bool) -> None:
        if is_written and self.writing is not None:
            self.disk = self.writing  # and nobody heard of it
        self.writing = None
        self.warmup = Warmup(PLAN, self.disk, self.now)

    @rule(deferred=st.integers(0, 30))
    def told(self, deferred: int) -> None:
        self.warmup.told(Counts(delivered=30, deferred=deferred), self.now)


TestSink = Sink.TestCase
TestSink.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)


def test_a_day_on_which_a_rule_restrained_the_source_is_not_followed_by_the_next() -> None:
    warmup = begun()
    send(warmup, 1, ms(0))
    send(warmup, 1, ms(24))
    warmup.restrained("the rule slow", ms(25), is_suspended=False)
    assert (warmup.day, warmup.note) == (1, "it will stay at day 1: the rule slow")
    warmup.told(Counts(delivered=1000), ms(26))
    warmup.turn(ms(48))
    assert (warmup.day, warmup.note) == (1, "it stayed at day 1: the rule slow")
    send(warmup, 1, ms(49))
    warmup.turn(ms(72))
    assert (warmup.day, warmup.note) == (2, "")


def test_a_suspension_takes_it_a_day_back_once_in_a_day() -> None:
    warmup = begun()
    for hour in (0, 24, 48):
        send(warmup, 1, ms(hour))
    for hour in (49.0, 50.0, 54.0, 72.0):
        warmup.restrained("the rule stop", ms(hour), is_suspended=True)
        assert (warmup.day, warmup.note) == (1, "it went from day 2 to day 1: the rule stop")
    send(warmup, 1, ms(72.5))
    warmup.turn(ms(73))
    assert warmup.note == "it stayed at day 1: the rule stop"
    warmup.restrained("the rule stop", ms(73.5), is_suspended=True)
    assert warmup.day == 0


def test_a_restraint_outlives_a_restart() -> None:
    warmup = begun()
    send(warmup, 1, ms(0))
    warmup.restrained("the rule slow", ms(1), is_suspended=False)
    again = Warmup(warmup.plan, warmup.record, ms(2))
    again.turn(ms(24))
    assert again.day == 0


def test_on_the_first_day_there_is_none_to_go_back_to() -> None:
    warmup = begun()
    send(warmup, 1, ms(0))
    warmup.told(Counts(deferred=30), ms(1))
    assert warmup.note == "it began day 0 again: 100.0% deferred (30 of 30)"

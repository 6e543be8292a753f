"""Mirrors angarium/reputation/gcra.py."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from angarium.config.quantity import Rate, parse_rate
from angarium.reputation.gcra import FULL_MS, RateTable

START = 1_700_000_000_000
RATES = st.builds(
    Rate,
    count=st.integers(1, 2_000),
    period_s=st.sampled_from([1, 60, 3600]),
    burst=st.integers(1, 20),
)


class NaiveBucket:
    """Exact: what was taken flows away at one per interval; one more fits if the level stays within the burst."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.level = Fraction(0)
        self.last_ms = 0

    def allows(self, now_ms: int) -> bool:
        gone = Fraction((now_ms - self.last_ms) * 1000, self.rate.interval_us)
        self.level = max(Fraction(0), self.level - gone)
        self.last_ms = now_ms
        return self.level + 1 <= self.rate.burst

    def take(self) -> None:
        self.level += 1


def taken_at(table: RateTable[str], rate: Rate, times: list[int]) -> list[int]:
    """Try at each of the times; return those at which one could be taken."""
    went = []
    for now in times:
        if table.wait_ms("k", rate, now) == 0:
            table.take("k", rate, now)
            went.append(now)
    return went


def spent(times: list[int], rate: Rate) -> bool:
    """Whether some span of time saw more than its rate and the burst allow."""
    return any(
        j - i + 1 > rate.burst + (times[j] - times[i]) * 1000 // rate.interval_us
        for i in range(len(times))
        for j in range(i, len(times))
    )


@given(RATES, st.lists(st.integers(0, 5_000), max_size=60))
def test_it_decides_as_a_naive_exact_bucket_does(rate: Rate, steps: list[int]) -> None:
    table: RateTable[str] = RateTable()
    naive = NaiveBucket(rate)
    now = 0
    for step in steps:
        now += step
        allowed = table.wait_ms("k", rate, START + now) == 0
        assert allowed == naive.allows(now)
        if allowed:
            table.take("k", rate, START + now)
            naive.take()


@given(RATES, st.lists(st.integers(0, 300), max_size=60))
def test_gc1_no_span_sees_more_than_the_rate_and_one_burst(rate: Rate, steps: list[int]) -> None:
    times = [START + sum(steps[: index + 1]) for index in range(len(steps))]
    assert not spent(taken_at(RateTable(), rate, times), rate)


@given(RATES, st.integers(1, 50))
def test_after_the_wait_one_may_go_and_not_a_millisecond_sooner(rate: Rate, taken: int) -> None:
    table: RateTable[str] = RateTable()
    now = START
    for _ in range(taken):
        wait = table.wait_ms("k", rate, now)
        if wait:
            assert table.wait_ms("k", rate, now + wait - 1) == 1
        now += wait
        assert table.wait_ms("k", rate, now) == 0
        table.take("k", rate, now)


@given(RATES, st.lists(st.tuples(st.integers(0, 300), st.integers(0, 10**8)), max_size=40))
def test_gc2_a_clock_that_steps_back_gives_nothing(
    rate: Rate, steps: list[tuple[int, int]]
) -> None:
    table: RateTable[str] = RateTable()
    passed, wall, went = 0, START, []
    for step, back in steps:
        passed, wall = passed + step, wall + step - back
        if table.wait_ms("k", rate, wall) == 0:
            table.take("k", rate, wall)
            went.append(passed)
        # For nobody it takes longer than the time that its burst takes to come back
        longest_ms = rate.burst * rate.interval_us // 1000 + 1
        assert table.wait_ms("k", rate, wall) <= longest_ms
    assert not spent(went, rate)


def test_gc2_an_hour_back_keeps_nobody_waiting_for_an_hour() -> None:
    table: RateTable[str] = RateTable()
    rate = parse_rate("10/s")
    table.take("k", rate, START)
    back = START - 3_600_000
    assert table.wait_ms("k", rate, back) == 100
    assert table.wait_ms("k", rate, back + 99) == 1
    assert table.wait_ms("k", rate, back + 100) == 0


def test_keys_have_nothing_to_do_with_each_other() -> None:
    table: RateTable[str] = RateTable()
    rate = parse_rate("1/h")
    table.take("one", rate, START)
    assert table.wait_ms("one", rate, START) == 3_600_000
    assert table.wait_ms("other", rate, START) == 0


def test_a_raised_rate_counts_at_once_and_a_lowered_one_owes_only_its_own_burst() -> None:
    table: RateTable[str] = RateTable()
    slow, fast = parse_rate("1/h"), parse_rate("10/s")
    table.take("k", slow, START)
    assert table.wait_ms("k", fast, START) == 100
    assert table.wait_ms("k", fast, START + 100) == 0
    wide = parse_rate("3600/h burst 600")
    for _ in range(600):
        table.take("w", wide, START)
    assert table.wait_ms("w", fast, START) == 100


def test_what_was_taken_without_leave_is_paid_for_later() -> None:
    table: RateTable[str] = RateTable()
    rate = parse_rate("10/s")
    for _ in range(3):
        table.take("k", rate, START)
    assert table.wait_ms("k", rate, START) == 300


def test_gc3_with_as_many_busy_keys_as_fit_new_ones_wait_until_some_are_as_good_as_new() -> None:
    table: RateTable[int] = RateTable(limit=3)
    rate = parse_rate("1/min")
    for key in range(3):
        table.take(key, rate, START + key)
    assert table.wait_ms(9, rate, START + 10) == FULL_MS
    table.take(9, rate, START + 10)
    assert len(table) == 3
    assert table.wait_ms(9, rate, START + 60_001) == 0
    assert len(table) == 1

"""Mirrors angarium/mta/record/retry.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.schema import Delivery, Provider, Stream
from angarium.mta.record.retry import RetrySchedule
from angarium.queue.model import UnixMs

NOW = UnixMs(1_800_000_000_000)
FAR = UnixMs(NOW + 10**12)


@pytest.mark.parametrize(
    ("attempts", "greylisted", "minutes"),
    [
        (1, False, 1),
        (2, False, 5),
        (7, False, 240),
        (50, False, 240),
        (1, True, 1),
        (2, True, 3),
        (4, True, 10),
        (5, True, 1),
        (11, True, 240),
        (99, True, 240),
    ],
)
def test_the_delay_is_the_schedules(attempts: int, greylisted: bool, minutes: int) -> None:
    schedule = RetrySchedule(Delivery(retry_jitter=0))
    due = schedule.next_due(
        now=NOW, attempts=attempts, expires=FAR, greylisted=greylisted, random=0.7
    )
    assert due == NOW + minutes * 60_000


@pytest.mark.parametrize(
    ("age_minutes", "attempts"),
    [(-120, 1), (0, 1), (0.9, 1), (1, 2), (5.9, 2), (6, 3), (21, 4), (10_000, 8)],
)
def test_what_was_not_attempted_counts_by_its_age(age_minutes: float, attempts: int) -> None:
    """The schedule makes attempts after 0, 1, 6, 21, ... minutes."""
    assert RetrySchedule(Delivery()).attempts_by_age(int(age_minutes * 60_000)) == attempts


def test_the_jitter_spreads_to_both_sides() -> None:
    schedule = RetrySchedule(Delivery(retry_s=(100,), retry_jitter=0.2))
    dues = [
        schedule.next_due(now=NOW, attempts=1, expires=FAR, greylisted=False, random=each)
        for each in (0.0, 0.5, 0.999999)
    ]
    assert dues == [NOW + 80_000, NOW + 100_000, NOW + 120_000]


def test_the_last_attempt_is_made_at_the_very_end() -> None:
    schedule = RetrySchedule(Delivery(retry_jitter=0))
    expires = UnixMs(NOW + 600_000)  # the 7th delay is 4 hours
    assert (
        schedule.next_due(now=NOW, attempts=7, expires=expires, greylisted=False, random=0)
        == expires
    )
    assert (
        schedule.next_due(now=expires, attempts=8, expires=expires, greylisted=False, random=0)
        is None
    )


delays = st.lists(st.floats(1, 86_400), min_size=1, max_size=8).map(tuple)


@given(
    delays,
    delays,
    st.floats(0, 0.99),
    st.floats(0, 1, exclude_max=True),
    st.integers(1, 30),
    st.booleans(),
    st.integers(-1000, 10**9),
)
def test_rs1_rs2_never_early_and_never_after_the_end(
    usual: tuple[float, ...],
    greylist: tuple[float, ...],
    jitter: float,
    random: float,
    attempts: int,
    greylisted: bool,
    left_ms: int,
) -> None:
    schedule = RetrySchedule(
        Delivery(retry_s=usual, greylist_retry_s=greylist, retry_jitter=jitter)
    )
    expires = UnixMs(NOW + left_ms)
    due = schedule.next_due(
        now=NOW, attempts=attempts, expires=expires, greylisted=greylisted, random=random
    )
    plan = (*greylist, *usual) if greylisted else usual
    if due is None:
        assert left_ms < min(plan) * 1000 * (1 - jitter) + 1
        return
    assert due <= expires
    delay_ms = plan[min(attempts, len(plan)) - 1] * 1000
    if due < expires:
        assert delay_ms * (1 - jitter) - 1 <= due - NOW <= delay_ms * (1 + jitter) + 1
    else:
        assert due - NOW >= min(plan) * 1000 * (1 - jitter) - 1


@given(st.integers(1, 100))
def test_a_recipient_expires_at_last_whatever_happens(seed: int) -> None:
    schedule = RetrySchedule(Delivery())
    now, attempts = NOW, 0
    expires = UnixMs(NOW + 432_000_000)
    while attempts < 200:
        attempts += 1
        due = schedule.next_due(
            now=now, attempts=attempts, expires=expires, greylisted=False, random=seed / 101
        )
        if due is None:
            break
        assert due > now
        now = due
    assert 30 < attempts < 60
    assert now == expires


@pytest.mark.parametrize(
    ("after_s", "age_s", "sent", "due"),
    [
        (14_400, 14_399, False, False),
        (14_400, 14_400, False, True),
        (14_400, 99_999, True, False),
        (0, 99_999, False, False),
    ],
)
def test_the_sender_hears_of_the_delay_once(
    after_s: float, age_s: int, sent: bool, due: bool
) -> None:
    schedule = RetrySchedule(Delivery(delay_dsn_after_s=after_s))
    accepted = UnixMs(NOW - age_s * 1000)
    assert schedule.delay_dsn_is_due(now=NOW, accepted=accepted, sent=sent) is due


MINUTE = 60_000


@pytest.mark.parametrize(
    ("attempts", "was_tried", "age_minutes", "minutes"),
    [
        (0, False, 0, 0),
        (0, False, -120, 0),  # accepted by a clock that was ahead
        (0, True, 30, 30),  # put off by its age: the fourth delay
        (1, True, 0, 2),  # a site that is left alone may keep it for so long
        (2, True, 0, 5),
        (7, True, 0, 240),
        (1, True, 30, 30),
        (99, True, 10_000, 240),
    ],
)
def test_nobody_has_to_wait_longer_than_the_schedule_ever_has_it(
    attempts: int, was_tried: bool, age_minutes: int, minutes: int
) -> None:
    schedule = RetrySchedule(Delivery(retry_jitter=0))
    accepted = UnixMs(NOW - age_minutes * MINUTE)
    due = schedule.latest_due(now=NOW, accepted=accepted, attempts=attempts, was_tried=was_tried)
    assert due == NOW + minutes * MINUTE


@given(delays, st.integers(1, 12), st.booleans(), st.floats(0, 1, exclude_max=True))
def test_what_the_schedule_gives_is_never_too_late(
    retry_s: tuple[float, ...], attempts: int, greylisted: bool, random: float
) -> None:
    schedule = RetrySchedule(Delivery(retry_s=retry_s))
    due = schedule.next_due(
        now=NOW, attempts=attempts, expires=FAR, greylisted=greylisted, random=random
    )
    assert due is not None
    assert due <= schedule.latest_due(now=NOW, accepted=NOW, attempts=attempts, was_tried=True)


def test_a_rules_own_delays_replace_the_schedules() -> None:
    schedule = RetrySchedule(Delivery(retry_jitter=0))

    def minutes(attempts: int) -> float:
        due = schedule.next_due(
            now=NOW, attempts=attempts, expires=FAR, greylisted=True, random=0, own=(900, 1800)
        )
        assert due is not None
        return (due - NOW) / 60_000

    assert [minutes(each) for each in (1, 2, 3)] == [15, 30, 30]


def test_a_stream_goes_by_its_own_delays() -> None:
    own = Stream(name="news", retry_s=(3600, 7200))
    delivery = Delivery(retry_jitter=0, greylist_retry_s=(90,))
    schedule = RetrySchedule(delivery, (own, Stream(name="bulk")))

    def delay_s(stream: str, *, attempts: int = 1, greylisted: bool = False) -> float:
        due = schedule.next_due(
            now=NOW, attempts=attempts, expires=FAR, greylisted=greylisted, random=0, stream=stream
        )
        assert due is not None
        return (due - NOW) / 1000

    assert [delay_s("news", attempts=each) for each in (1, 2, 3)] == [3600, 7200, 7200]
    assert [delay_s(each) for each in ("bulk", "", "gone")] == [60, 60, 60]
    greylisted = [delay_s("news", attempts=each, greylisted=True) for each in (1, 2)]
    assert greylisted == [90, 3600]
    assert schedule.attempts_by_age(3_600_000, "news") == 2
    assert schedule.attempts_by_age(3_600_000, "bulk") == 5


def test_a_wrong_clock_is_mended_by_the_longest_delays_of_all_streams() -> None:
    schedule = RetrySchedule(Delivery(retry_jitter=0), (Stream(name="news", retry_s=(90_000,)),))
    latest = schedule.latest_due(now=NOW, accepted=NOW, attempts=1, was_tried=True)
    assert latest == NOW + 90_000_000


def test_a_provider_has_delays_of_its_own_where_the_stream_has_none() -> None:
    streams = (Stream(name="news", retry_s=(3600,)), Stream(name="bulk"))
    providers = (
        Provider(name="slow", retry_s=(600, 1200)),
        Provider(name="usual"),
        Provider(name="default", retry_s=(120,)),
    )
    schedule = RetrySchedule(Delivery(retry_jitter=0), streams, providers)

    def delay_s(
        stream: str, provider: str, *, attempts: int = 1, greylisted: bool = False
    ) -> float:
        due = schedule.next_due(
            now=NOW,
            attempts=attempts,
            expires=FAR,
            greylisted=greylisted,
            random=0,
            stream=stream,
            provider=provider,
        )
        assert due is not None
        return (due - NOW) / 1000

    assert [delay_s("bulk", "slow", attempts=each) for each in (1, 2, 3)] == [600, 1200, 1200]
    assert delay_s("news", "slow") == 3600
    assert delay_s("bulk", "usual") == 60
    assert delay_s("bulk", "mx.unknown.example") == 120  # a site by itself goes by the default's
    assert delay_s("bulk", "smtp://relay.example:25") == 60  # a smart host does not
    assert delay_s("bulk", "") == 60
    greylisted = [delay_s("bulk", "slow", attempts=each, greylisted=True) for each in (1, 5)]
    assert greylisted == [60, 600]
    assert schedule.attempts_by_age(1_700_000, "bulk", "slow") == 2
    latest = schedule.latest_due(now=NOW, accepted=NOW, attempts=1, was_tried=True)
    assert latest == NOW + 3_600_000
    schedule.exchange(Delivery(retry_jitter=0))
    assert delay_s("news", "slow") == 60

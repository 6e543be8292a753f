"""Mirrors angarium/reputation/ses_quota.py."""

from angarium.reputation.ses_quota import (
    FIRST_PAUSE_MS,
    MAX_PAUSE_MS,
    SANDBOX,
    SETTLING_MS,
    Reading,
    SesQuota,
)


def reading(per_day: float = 100, sent: float = 0, per_second: float = 14) -> Reading:
    return Reading(per_day=per_day, sent=sent, per_second=per_second)


def test_what_is_taken_since_the_reading_counts_beside_it_sq1() -> None:
    quota = SesQuota()
    quota.read(reading(sent=90), 0)
    assert quota.left == 10
    quota.take(4, 1)
    quota.take(6, 2)
    assert quota.left == 0
    assert quota.used == 100


def test_a_reading_counts_what_it_has_seen_and_not_what_is_too_new_for_it() -> None:
    quota = SesQuota()
    quota.read(reading(), 0)
    quota.take(5, 1_000)
    quota.take(3, 2_000)
    quota.read(reading(sent=6), 1_001 + SETTLING_MS)
    assert quota.used == 9


def test_any_number_is_any_number() -> None:
    quota = SesQuota()
    quota.read(reading(per_day=-1), 0)
    quota.take(1_000_000, 1)
    assert quota.left is None


def test_who_may_not_read_its_quota_has_the_sandbox_s_and_no_more_by_asking_again() -> None:
    quota = SesQuota()
    quota.read(SANDBOX, 0)
    quota.take(150, 1)
    quota.read(SANDBOX, 60_000)
    assert quota.left == 50


def test_pauses_grow_until_a_call_is_taken_sq2() -> None:
    quota = SesQuota()
    now, pauses = 0, []
    for _ in range(9):
        quota.throttled("Maximum sending rate exceeded.", now)
        quota.throttled("of another call that was under way", now)
        pauses.append(quota.paused_until - now)
        now = quota.paused_until
    assert pauses[:3] == [FIRST_PAUSE_MS, 2 * FIRST_PAUSE_MS, 4 * FIRST_PAUSE_MS]
    assert pauses[-1] == MAX_PAUSE_MS
    assert quota.pause_reason == "Maximum sending rate exceeded."
    quota.accepted()
    quota.throttled("again", now)
    assert quota.paused_until == now + FIRST_PAUSE_MS


def test_a_rate_below_one_a_second_is_one_in_so_many() -> None:
    quota = SesQuota()
    quota.read(reading(per_second=0.5), 0)
    assert (quota.rate.count, quota.rate.period_s) == (4, 10)

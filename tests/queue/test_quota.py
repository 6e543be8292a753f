"""Where quotas have room: periods of UTC, and plans over them."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.queue.model import UnixMs
from angarium.queue.quota import (
    LONGEST_WAIT_MS,
    PERIODS,
    QuotaPlan,
    next_start,
    period_start,
    put_off,
)
from angarium.queue.terms import OverQuota, Quota, QuotaPeriod
from tests.queue.samples import FAR, START, submission


def ms(text: str) -> UnixMs:
    return UnixMs(round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000))


class Counts:
    def __init__(self, counts: Mapping[tuple[QuotaPeriod, int], int]) -> None:
        self._counts = counts

    def count(self, period: QuotaPeriod, start: UnixMs) -> int:
        return self._counts.get((period, start), 0)

    def latest(self, period: QuotaPeriod) -> UnixMs | None:
        found = [start for each, start in self._counts if each == period]
        return UnixMs(max(found)) if found else None


NOW = ms("2028-02-29T23:59:59.500")


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("second", "2028-02-29T23:59:59", "2028-03-01T00:00:00"),
        ("hour", "2028-02-29T23:00:00", "2028-03-01T00:00:00"),
        ("day", "2028-02-29T00:00:00", "2028-03-01T00:00:00"),
        ("month", "2028-02-01T00:00:00", "2028-03-01T00:00:00"),
    ],
)
def test_periods_are_those_of_utc(period: QuotaPeriod, start: str, end: str) -> None:
    assert period_start(period, NOW) == ms(start)
    assert next_start(period, NOW) == ms(end)
    assert period_start(period, ms(end)) == ms(end)
    assert next_start("month", ms("2027-12-31T12:00:00")) == ms("2028-01-01T00:00:00")


def test_of_several_full_quotas_the_one_that_is_full_for_longest_is_named() -> None:
    quotas = [Quota(period="second", limit=1), Quota(period="hour", limit=1)]
    at = ms("2027-01-15T08:10:00")
    counts = {("second", at): 1, ("hour", ms("2027-01-15T08:00:00")): 1}
    plan = QuotaPlan(quotas, Counts(counts), at)
    assert plan.take(1) == OverQuota(quota=quotas[1], until=ms("2027-01-15T09:00:00"))
    assert plan.changed == {}


def test_what_no_period_will_ever_have_room_for_is_said_to_be_too_many() -> None:
    quotas = [Quota(period="second", limit=2), Quota(period="day", limit=100)]
    plan = QuotaPlan(quotas, Counts({}), START)
    over = plan.take_later(3)
    assert isinstance(over, OverQuota)
    assert over.too_many
    assert over.quota == quotas[0]


def test_what_waits_goes_behind_what_waits_already_and_small_ones_fill_the_present_period() -> None:
    start = period_start("hour", START)
    hour = 3_600_000
    plan = QuotaPlan([Quota(period="hour", limit=10)], Counts({("hour", start): 8}), START)
    assert plan.take_later(5) == start + hour
    assert plan.take_later(2) == 0
    assert plan.take_later(5) == start + hour
    assert plan.take_later(1) == start + 2 * hour
    assert plan.latest == start + 2 * hour
    assert plan.changed == {
        ("hour", start): 10,
        ("hour", start + hour): 10,
        ("hour", start + 2 * hour): 1,
    }


def test_what_would_wait_for_more_than_a_month_is_refused() -> None:
    month = period_start("month", START)
    following = next_start("month", START)
    quota = Quota(period="month", limit=1)
    full = {("month", month): 1}
    assert QuotaPlan([quota], Counts(full), START).take_later(1) == following
    full |= {("month", following): 1}
    over = QuotaPlan([quota], Counts(full), START).take_later(1)
    assert over == OverQuota(quota=quota, until=following)


def test_expiry_counts_from_a_start_that_was_put_off_unless_it_was_given() -> None:
    mail = submission(b"m" * 16, accepted=START, not_before=START + 500)
    later = put_off(mail, UnixMs(START + 2000))
    assert (later.not_before, later.expires) == (START + 2000, FAR + 1500)
    given_end = msgspec.structs.replace(mail, expires_is_given=True)
    assert put_off(given_end, UnixMs(START + 2000)).expires == FAR


@given(
    limits=st.dictionaries(st.sampled_from(PERIODS), st.integers(1, 6), min_size=1),
    messages=st.lists(st.integers(1, 4), max_size=40),
    now=st.integers(START, START + 40 * 86_400_000),
)
def test_no_period_ever_gets_more_than_its_quota(
    limits: dict[QuotaPeriod, int], messages: list[int], now: int
) -> None:
    """QP1, with a model that counts by itself."""
    quotas = [Quota(period=each, limit=limit) for each, limit in limits.items()]
    plan = QuotaPlan(quotas, Counts({}), UnixMs(now))
    counted: dict[tuple[str, int], int] = {}
    for recipients in messages:
        due = plan.take_later(recipients)
        if isinstance(due, OverQuota):
            assert due.too_many == any(recipients > limit for limit in limits.values())
            continue
        assert due == 0 or now < due <= now + LONGEST_WAIT_MS
        for period in limits:
            place = (period, period_start(period, UnixMs(due or now)))
            counted[place] = counted.get(place, 0) + recipients
    assert all(count <= limits[period] for (period, _), count in counted.items())  # type: ignore[index]
    assert counted == plan.changed

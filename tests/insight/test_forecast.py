"""Mirrors angarium/insight/forecast.py: each limit is a bottleneck once."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from angarium.insight.forecast import (
    HORIZON_MS,
    Forecast,
    PathCapacity,
    ProviderLoad,
    forecast,
    total_takes_ms,
)
from angarium.mta.egress.narrowing import Allowance
from angarium.queue import UnixMs

NOW = UnixMs(1_800_000_000_000)
DAY = 86_400_000
# 10 connections, half a second each: 20 messages a second
FAST = PathCapacity(source="ip1", connections=10, transfers=100, transaction_ms=500)


def path(**changes: Any) -> PathCapacity:
    return PathCapacity(
        **{"source": "ip1", "connections": 10, "transfers": 100, "transaction_ms": 500, **changes}
    )


def of(queued: int, *paths: PathCapacity, **more: Any) -> Forecast:
    return forecast(ProviderLoad(provider="gmail", queued=queued, paths=paths, **more), NOW)


def found(forecast: Forecast) -> tuple[float | None, str]:
    takes = forecast.takes_ms
    return (None if takes is None else takes / 1000, forecast.bottleneck)


def test_connections_times_what_a_transaction_took() -> None:
    told = of(12_000, FAST)
    assert found(told) == (600, "connections")
    assert (told.per_minute, told.is_measured) == (1200, True)


def test_recipients_that_share_a_transaction_go_together() -> None:
    assert found(of(12_000, path(recipients_per_message=4.0))) == (150, "connections")


def test_without_a_measure_a_transaction_is_taken_to_last_a_second() -> None:
    told = of(12_000, path(transaction_ms=None))
    assert found(told) == (1200, "connections")
    assert not told.is_measured


def test_the_message_rate() -> None:
    told = of(12_000, path(messages_per_s=2.0))
    assert found(told) == (6000, "message_rate")
    assert told.takes_eased_ms == 3_000_000


def test_new_connections_a_second_times_messages_over_each() -> None:
    assert found(of(12_000, path(connections_per_s=0.5, transfers=4))) == (6000, "connection_rate")


def test_a_warm_up_by_its_days() -> None:
    allowance = Allowance(left=50, per_period=100, renews_at=UnixMs(NOW + DAY // 2), period_ms=DAY)
    # 50 now, 100 in half a day, and 100 a day after that
    assert found(of(250, path(allowance=allowance))) == (1.5 * 86_400, "warm_up")
    assert found(of(50, path(allowance=allowance))) == (2.5, "connections")


def test_a_suspension_until_its_end() -> None:
    told = of(20, path(suspended_until=UnixMs(NOW + 60_000)))
    assert found(told) == (61, "suspension")
    assert told.takes_eased_ms == 31_000
    assert told.per_minute == 1200  # once it is over


def test_a_suspension_without_an_end_is_never_over() -> None:
    assert found(of(20, path(is_suspended=True))) == (None, "suspension")


def test_a_provider_that_defers_makes_the_queue_wait_whatever_we_allow() -> None:
    told = of(12_000, FAST, answered=1000, deferred=900)
    assert found(told) == (6000, "provider")
    assert found(of(12_000, FAST, answered=1000, deferred=1000)) == (None, "provider")


def test_sources_add_up_and_a_cold_one_leaves_its_share_to_the_warm_one() -> None:
    cold = Allowance(left=100, per_period=100, renews_at=UnixMs(NOW + DAY), period_ms=DAY)
    assert found(of(12_000, FAST, path(source="ip2"))) == (300, "connections")
    assert found(of(12_000, FAST, path(source="ip2", allowance=cold))) == (595, "connections")


def test_limits_that_are_as_low_as_each_other_are_named_by_the_first_source() -> None:
    told = of(12_000, path(messages_per_s=20.0))
    assert told.takes_ms == 600_000
    assert told.bottleneck in ("connections", "message_rate")


def test_nothing_queued_has_no_bottleneck_and_no_source_never_sends() -> None:
    assert found(of(0, FAST)) == (0, "")
    assert found(of(5)) == (None, "connections")


def test_held_mail_is_told_and_not_waited_for() -> None:
    assert of(0, FAST, held=7).held == 7


def test_the_next_hour_of_a_warm_up_comes_no_sooner_were_it_twice_as_wide() -> None:
    hour = 3_600_000
    allowance = Allowance(left=0, per_period=5, renews_at=UnixMs(NOW + hour // 2), period_ms=hour)
    told = of(3, path(allowance=allowance))
    assert found(told) == (1800, "warm_up")


def test_all_of_it_is_done_with_the_slowest_provider() -> None:
    assert total_takes_ms([of(20, FAST), of(12_000, FAST)]) == 600_000
    assert total_takes_ms([of(20, FAST), of(5)]) is None
    assert total_takes_ms([]) == 0


@given(
    queued=st.integers(1, 10**7),
    connections=st.integers(1, 200),
    rate=st.none() | st.floats(0.01, 1000),
    left=st.none() | st.integers(0, 1000),
    deferred=st.integers(0, 99),
)
def test_more_mail_never_takes_less_and_a_wider_limit_never_takes_more(
    queued: int, connections: int, rate: float | None, left: int | None, deferred: int
) -> None:
    allowance = left and Allowance(
        left=left, per_period=100, renews_at=UnixMs(NOW + DAY), period_ms=DAY
    )
    one = path(connections=connections, messages_per_s=rate, allowance=allowance or None)
    told = of(queued, one, answered=100, deferred=deferred)
    more = of(queued * 2, one, answered=100, deferred=deferred)

    def span(takes_ms: int | None) -> int:
        return HORIZON_MS + 1 if takes_ms is None else takes_ms

    assert span(more.takes_ms) >= span(told.takes_ms)
    assert span(told.takes_eased_ms) <= span(told.takes_ms)

"""Mirrors angarium/mta/egress/suspension.py."""

import pytest

from angarium.mta.egress.suspension import FIRST_MS, MAX_MS, Suspension
from angarium.mta.transport.outcome import Scope, Transient
from angarium.queue.model import Attempt, UnixMs

DOWN = Transient(
    Attempt(
        at=UnixMs(0),
        host="mx.example",
        address="192.0.2.1",
        source="ip1",
        code=451,
        enhanced="4.4.1",
        text="connection refused",
        tls="",
        stage="connect",
    ),
    Scope.SITE,
)
HOUR = (3600.0,)


def test_it_ends_by_itself() -> None:
    site = Suspension(HOUR)
    assert site.find(UnixMs(1000)) is None
    site.failed(DOWN, UnixMs(1000))
    assert site.until == 1000 + FIRST_MS
    assert site.find(UnixMs(site.until - 1)) == DOWN
    assert site.find(site.until) is None


@pytest.mark.parametrize(
    ("retry_s", "delays"),
    [
        (HOUR, [10_000, 20_000, 40_000, 60_000, 60_000]),
        ((0.5, 3.0), [500, 1000, 2000, 3000, 3000]),  # never longer than the schedule waits
    ],
)
def test_it_doubles_until_a_connection_stands(
    retry_s: tuple[float, ...], delays: list[int]
) -> None:
    site, now = Suspension(retry_s), UnixMs(0)
    for delay in delays:
        site.failed(DOWN, now)
        assert site.until - now == delay
        now = site.until
    site.connected()
    site.failed(DOWN, now)
    assert site.until - now == delays[0]


def test_a_clock_that_steps_back_does_not_prolong_it() -> None:
    site = Suspension(HOUR)
    site.failed(DOWN, UnixMs(10_000_000))
    assert site.find(UnixMs(5_000_000)) is None


def test_connections_beside_those_that_work_are_asked_for_again_after_a_minute() -> None:
    site = Suspension(HOUR)
    assert site.allows_more(UnixMs(0))
    site.refused_more(UnixMs(0))
    assert not site.allows_more(UnixMs(MAX_MS - 1))
    assert site.allows_more(UnixMs(MAX_MS))
    assert site.find(UnixMs(1)) is None

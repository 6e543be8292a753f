"""Mirrors angarium/mta/egress/gates/rates.py: the configured rates are ceilings, whoever asks and in whatever order."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.quantity import Rate, find_rate
from angarium.mta.egress.policy import GO, Go, Traffic, Wait, traffic_of
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.egress.work import Group
from angarium.queue.model import UnixMs
from angarium.routing.resolution import Site, SiteName
from angarium.routing.routing import Routing
from tests.mta.egress.fakes import OTHER_PATH, PATH, head, site, work

START = 1_700_000_000_000
PATHS = {"ip1": PATH, "ip2": OTHER_PATH}


def policy() -> ShapingPolicy:
    pools = Pools((), (), Routing((), (), 25), "mx.example")
    return ShapingPolicy(pools)


def traffic(to: Site, tenant: str = "t") -> Traffic:
    return traffic_of(Group([head(1, 0, tenant)]), to)


def named(to: Site, name: str) -> Site:
    return msgspec.structs.replace(to, name=SiteName(name))


def within(times: list[int], rate: Rate) -> bool:
    """Whether no span of time saw more than the rate and its burst."""
    return all(
        j - i + 1 <= rate.burst + (times[j] - times[i]) * 1000 // rate.interval_us
        for i in range(len(times))
        for j in range(i, len(times))
    )


STEPS = st.lists(
    st.tuples(
        st.integers(0, 400),  # ms until then
        st.sampled_from(sorted(PATHS)),
        st.sampled_from(["acme", "other", "third"]),
        st.sampled_from(["p", "q"]),
        st.sampled_from(["one", "two"]),  # sites of the provider
    ),
    max_size=80,
)


@given(
    STEPS, st.sampled_from(["10/s", "5/s burst 4", "100/min"]), st.sampled_from(["4/s", "20/min"])
)
def test_no_source_and_no_tenant_exceeds_its_rate_at_a_provider(
    steps: list[tuple[int, str, str, str, str]], rate: str, tenant_rate: str
) -> None:  # Invariant 6
    asked = policy()
    now = START
    by_source: dict[tuple[str, str], list[int]] = {}
    by_tenant: dict[tuple[str, str], list[int]] = {}
    for step, source, tenant, provider, site_name in steps:
        now += step
        to = named(site(message_rate=rate, tenant_message_rate=tenant_rate), site_name)
        to = msgspec.structs.replace(
            to, provider=msgspec.structs.replace(to.provider, name=provider)
        )
        match asked.admit(traffic(to, tenant), PATHS[source], UnixMs(now)):
            case Go():
                by_source.setdefault((source, provider), []).append(now)
                by_tenant.setdefault((tenant, provider), []).append(now)
            case Wait(until=until):
                assert until > now
    limit, tenant_limit = find_rate(rate), find_rate(tenant_rate)
    assert limit is not None
    assert tenant_limit is not None
    assert all(within(times, limit) for times in by_source.values())
    assert all(within(times, tenant_limit) for times in by_tenant.values())


@given(st.lists(st.integers(0, 3_000), max_size=60), st.integers(1, 5))
def test_no_source_opens_more_connections_than_its_rate(steps: list[int], connections: int) -> None:
    asked = policy()  # Invariant 6
    to = site(connections=connections, connection_rate="60/min")
    now, opened = START, []
    for step in steps:
        now += step
        if asked.find_connection_wait(PATH, to, UnixMs(now)) is None:
            asked.connecting(PATH, to, UnixMs(now))
            opened.append(now)
    assert within(opened, Rate(count=60, period_s=60, burst=connections))


def test_a_wait_says_which_key_of_the_configuration_asks_for_it() -> None:
    asked = policy()
    to = site(message_rate="1/min", tenant_message_rate="1/h", connection_rate="1/min burst 1")
    now = UnixMs(START)
    assert asked.admit(traffic(to), PATH, now) is GO
    wait = asked.admit(traffic(to), PATH, now)
    assert wait == Wait(
        UnixMs(START + 3_600_000), "the tenant_message_rate of p is 1/h", "tenant_message_rate"
    )
    wait = asked.admit(traffic(to, "other"), PATH, now)
    # The first tenant, who waits for its own rate, has no turn at the one that all share
    assert wait == Wait(UnixMs(START + 60_000), "the message_rate of p is 1/min", "message_rate")
    assert asked.admit(traffic(to, "other"), OTHER_PATH, now) is GO
    asked.connecting(PATH, to, now)
    assert asked.find_connection_wait(PATH, to, now) == Wait(
        UnixMs(START + 60_000), "the connection_rate of p is 1/min burst 1", "connection_rate"
    )
    assert asked.find_connection_wait(OTHER_PATH, to, now) is None


def test_sites_of_a_provider_take_turns_at_its_rate() -> None:
    asked = policy()
    to = site(message_rate="10/s burst 1")
    sites = [named(to, name) for name in ("one", "two", "three")]
    went: list[str] = []
    # As ``Waits`` wakes them: by the end of the wait, then in the order in which they began to wait
    waiting = [(START, number, each) for number, each in enumerate(sites)]
    for number in range(len(sites), 200):
        waiting.sort(key=lambda each: each[:2])
        now, _, each = waiting.pop(0)
        verdict = asked.admit(traffic(each), PATH, UnixMs(now))
        if isinstance(verdict, Go):
            went.append(each.name)
            verdict = asked.admit(traffic(each), PATH, UnixMs(now))
        assert isinstance(verdict, Wait)
        waiting.append((verdict.until, number, each))
    counts = [went.count(each.name) for each in sites]
    assert max(counts) - min(counts) <= 2


def test_what_is_carried_once_more_counts_though_nobody_is_asked() -> None:
    asked = policy()
    to = site(message_rate="10/s burst 1")
    now = UnixMs(START)
    assert asked.admit(traffic(to), PATH, now) is GO
    asked.goes_again(PATH, to, work(), now)
    assert asked.admit(traffic(to), PATH, UnixMs(START + 199)) is not GO
    assert asked.admit(traffic(to), PATH, UnixMs(START + 200)) is GO


def test_a_changed_rate_is_in_force_at_once() -> None:
    asked = policy()
    slow, fast = site(message_rate="1/h"), site(message_rate="10/s burst 1")
    assert asked.admit(traffic(slow), PATH, UnixMs(START)) is GO
    assert asked.admit(traffic(slow), PATH, UnixMs(START + 100)) is not GO
    wait = asked.admit(traffic(fast), PATH, UnixMs(START + 100))
    assert wait == Wait(
        UnixMs(START + 200), "the message_rate of p is 10/s burst 1", "message_rate"
    )
    assert asked.admit(traffic(fast), PATH, UnixMs(START + 200)) is GO
    assert asked.admit(traffic(site(message_rate="unlimited")), PATH, UnixMs(START + 201)) is GO

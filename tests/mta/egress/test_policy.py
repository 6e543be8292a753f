"""Mirrors angarium/mta/egress/policy.py and pools.py."""

from angarium.config.schema import Pool, PoolMember, Route, Source
from angarium.mta.egress.policy import GO, Limits, traffic_of
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.egress.work import Group
from angarium.queue.model import UnixMs
from angarium.routing.routing import Routing
from tests.mta.egress.fakes import OCTETS, PATH, head, site

SOURCES = (
    Source(name="ip1", address="192.0.2.1"),
    Source(name="ip2", address="192.0.2.2", ehlo="two.example"),
)
POOLS = (
    Pool(name="default", sources=(PoolMember(name="ip1"),)),
    Pool(name="mixed", sources=(PoolMember(name="ip1", weight=3), PoolMember(name="ip2"))),
)


def policy(*routes: Route) -> ShapingPolicy:
    pools = Pools(SOURCES, POOLS, Routing(routes, (), 25), "mx.example")
    return ShapingPolicy(pools)


def test_a_path_has_the_address_and_name_of_its_source() -> None:
    chosen = policy().choose(head(1), site(), UnixMs(0))
    assert (chosen.bind_address, chosen.ehlo) == ("192.0.2.1", "mx.example")


def test_without_sources_there_is_one() -> None:
    pools = Pools((), (), Routing((), (), 25), "mx.example")
    path = ShapingPolicy(pools).choose(head(1), site(), UnixMs(0))
    assert (path.source, path.bind_address, path.ehlo) == ("default", None, "mx.example")


def test_the_limits_are_the_configured_ones_and_everything_may_go() -> None:
    to = site(connections=7, messages_per_connection=8, recipients_per_message=9)
    assert policy().limits(PATH, to.provider) == Limits(connections=7, transfers=8, recipients=9)
    assert policy().admit(traffic_of(Group([head(1)]), to), PATH, UnixMs(0)) is GO


def test_a_policy_sees_whose_mail_it_is_to_whom_and_how_much() -> None:
    group = Group(
        [head(1, each, "acme", stream="news", campaign="c", priority=2) for each in (0, 1)]
    )
    traffic = traffic_of(group, site())
    assert (traffic.tenant, traffic.stream, traffic.campaign) == ("acme", "news", "c")
    assert (traffic.provider, traffic.site, traffic.domain) == ("p", "s", "d.example")
    assert (traffic.recipients, traffic.octets, traffic.priority) == (2, OCTETS, 2)

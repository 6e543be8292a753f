"""Mirrors angarium/mta/egress/pools.py and rotation.py."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.schema import Pool, PoolMember, Provider, Route, Source, Stream
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.rotation import PROVIDERS, Rotations, SmoothRotation
from angarium.routing.resolution import Site
from angarium.routing.routing import Routing
from tests.mta.egress.fakes import head, host, site

SOURCES = tuple(Source(name=f"ip{n}", address=f"192.0.2.{n}") for n in range(1, 7))
WEIGHTS = st.lists(st.integers(1, 9), min_size=1, max_size=5)


def pool(name: str, *members: tuple[str, int], **more: Any) -> Pool:
    sources = tuple(PoolMember(name=each, weight=weight) for each, weight in members)
    return Pool(name=name, sources=sources, **more)


def at(provider: str, *addresses: str) -> Site:
    return msgspec.structs.replace(
        site(), provider=Provider(name=provider), hosts=(host("mx", *(addresses or ("1.2.3.4",))),)
    )


MIXED = pool("default", ("ip1", 3), ("ip2", 1))
POOLS = (
    pool("of_stream", ("ip1", 1)),
    pool("of_tenant", ("ip2", 1), tenants=("acme", "other")),
    pool("of_sender", ("ip3", 1), sender_domains=("shop.example", "*.bücher.example")),
    pool("of_subsender", ("ip4", 1), sender_domains=("*.news.shop.example",)),
    pool("of_route", ("ip5", 1)),
    pool("default", ("ip6", 1)),
)
ROUTES = (Route(domain="d.example", pool="of_route"),)


def mixed(*pools: Pool) -> Pools:
    return Pools(SOURCES, pools or (MIXED,), Routing((), (), 25), "mx.example")


@given(WEIGHTS)
def test_each_member_has_exactly_its_weight_in_each_round(weights: list[int]) -> None:  # SR1
    rotation = SmoothRotation(weights)
    for _ in range(3):
        round_ = Counter(rotation.next(lambda _: True) for _ in range(sum(weights)))
        assert [round_[each] for each in range(len(weights))] == weights


def test_turns_are_spread() -> None:
    rotation = SmoothRotation((5, 1, 1))
    assert [rotation.next(lambda _: True) for _ in range(7)] == [0, 0, 1, 0, 2, 0, 0]


@given(WEIGHTS, st.integers(1, 200), st.lists(st.sampled_from("abc"), max_size=40))
def test_at_any_moment_nobody_is_further_behind_than_a_turn_or_two(
    weights: list[int], turns: int, others: list[str]
) -> None:
    rotations = Rotations(weights)
    for provider in others:
        rotations.next(provider, lambda _: True)
    count = Counter(rotations.next("z", lambda _: True) for _ in range(turns))
    for member, weight in enumerate(weights):
        assert abs(count[member] - turns * weight / sum(weights)) <= 2


def test_a_thousand_providers_with_a_message_each_see_every_member_by_its_share() -> None:  # SR2
    rotations = Rotations((9, 1))
    count = Counter(rotations.next(f"p{n}", lambda _: True) for n in range(PROVIDERS + 1_000))
    assert count == {0: (PROVIDERS + 1_000) * 9 // 10, 1: (PROVIDERS + 1_000) // 10}


def test_who_is_not_usable_gains_nothing_meanwhile() -> None:
    rotation = SmoothRotation((1, 1, 1))
    assert {rotation.next(lambda member: member != 1) for _ in range(100)} == {0, 2}
    count = Counter(rotation.next(lambda _: True) for _ in range(9))
    assert max(count.values()) <= 4
    assert rotation.next(lambda _: False) is None


def test_a_source_has_its_share_of_the_messages_to_each_provider() -> None:
    pools = mixed()
    chosen = [(n % 2, pools.choose(head(n), at(f"p{n % 2}")).source) for n in range(800)]
    assert Counter(chosen) == {(0, "ip1"): 300, (0, "ip2"): 100, (1, "ip1"): 300, (1, "ip2"): 100}


@pytest.mark.parametrize(
    ("sent", "chosen"),
    [
        ({"stream": "news", "tenant": "acme", "sender": "a@shop.example"}, "ip1"),
        ({"tenant": "acme", "sender": "a@shop.example"}, "ip2"),
        ({"tenant": "t", "sender": "a@shop.example"}, "ip3"),
        ({"tenant": "t", "sender": "a@SHOP.example"}, "ip3"),
        ({"tenant": "t", "sender": "a@x.bücher.example"}, "ip3"),
        ({"tenant": "t", "sender": "a@x.xn--bcher-kva.example"}, "ip3"),
        ({"tenant": "t", "sender": "a@x.news.shop.example"}, "ip4"),
        ({"tenant": "t", "sender": "a@news.shop.example"}, "ip5"),
        ({"tenant": "t", "sender": "a@bücher.example"}, "ip5"),
        ({"tenant": "t", "sender": ""}, "ip5"),
        ({"tenant": "t", "stream": "plain"}, "ip5"),
    ],
)
def test_the_pool_is_the_streams_else_the_tenants_the_senders_the_routes(  # EP1
    sent: dict[str, str], chosen: str
) -> None:
    streams = (Stream(name="news", pool="of_stream"), Stream(name="plain"))
    pools = Pools(SOURCES, POOLS, Routing(ROUTES, (), 25), "mx.example", streams)
    assert pools.choose(head(1, **sent), at("p")).source == chosen
    elsewhere = msgspec.structs.replace(head(1, **sent), domain="other.example")
    assert pools.choose(elsewhere, at("p")).source == ("ip6" if chosen == "ip5" else chosen)


def test_a_site_is_asked_by_sources_of_its_family_as_far_as_there_are() -> None:
    sources = (Source(name="v4", address="192.0.2.1"), Source(name="v6", address="2001:db8::1"))
    both = pool("default", ("v4", 1), ("v6", 1))
    pools = Pools(sources, (both,), Routing((), (), 25), "mx.example")

    def chosen(*addresses: str) -> set[str]:
        return {pools.choose(head(n), at("p", *addresses)).source for n in range(10)}

    assert chosen("192.0.2.9") == {"v4"}
    assert chosen("2001:db8::9") == {"v6"}
    assert chosen("192.0.2.9", "2001:db8::9") == {"v4", "v6"}


def test_a_source_that_is_not_usable_is_left_out_unless_none_is() -> None:
    pools = mixed()
    others = {pools.choose(head(n), at("p"), lambda path: path.source != "ip1") for n in range(9)}
    assert {path.source for path in others} == {"ip2"}
    everyone = {pools.choose(head(n), at("p"), lambda _: False).source for n in range(9)}
    assert everyone == {"ip1", "ip2"}
    (path,) = others
    beside = pools.beside(head(1), path)
    assert [each.source for each in beside] == ["ip1"]


def test_the_next_of_a_pool_is_so_by_weight_and_only_if_it_is_able() -> None:
    pools = mixed()
    taken = [pools.next_of("default", "p", lambda _: True) for _ in range(8)]
    assert Counter(each.source for each in taken if each) == {"ip1": 6, "ip2": 2}
    assert pools.next_of("default", "p", lambda _: False) is None
    other = pools.next_of("default", "p", lambda path: path.source == "ip2")
    assert other is not None
    assert other.source == "ip2"

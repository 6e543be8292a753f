"""Mirrors angarium/routing/placement.py."""

from collections import Counter

from angarium.config.schema import Provider, Route
from angarium.routing.placement import Placement, partition_of
from angarium.routing.provider_table import ProviderTable
from angarium.routing.route_table import RouteTable


def test_a_providers_partition_never_changes() -> None:
    """It is on disk: a queue written by an older version must still be found."""
    names = ("gmail", "yahoo", "mx.example.com", "smtp://127.0.0.1:2526", "[2001:db8::1]")
    assert [partition_of(each, 16) for each in names] == [4, 12, 15, 4, 3]


def test_providers_are_spread_over_all_partitions() -> None:
    counts = Counter(partition_of(f"mx{n}.example.com", 16) for n in range(1600))
    assert len(counts) == 16
    assert max(counts.values()) < 200


def test_what_is_known_without_dns_is_placed_rightly() -> None:
    routes = RouteTable(
        [
            Route(domain="a.test", via="smtp://Relay.test"),
            Route(domain="b.test", via="smtps://u@mx.google.com"),
        ]
    )
    providers = ProviderTable([Provider(name="mine", domains=("c.test",))])
    placement = Placement(routes, providers, 251, 2526)
    for domain, provider in (
        ("a.test", "smtp://relay.test:25"),
        ("b.test", "gmail"),
        ("c.test", "mine"),
        ("comcast.net", "comcast"),
        ("[IPv6:2001:DB8::1]", "[2001:db8::1]:2526"),
        ("unknown.test", "unknown.test"),
    ):
        assert placement.partition_hint(domain) == partition_of(provider, 251), domain

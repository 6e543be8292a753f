"""Mirrors angarium/routing/routing.py."""

import msgspec
import pytest

from angarium.config.schema import Provider, Route
from angarium.routing.placement import partition_of
from angarium.routing.resolution import MxHost, Site
from angarium.routing.routing import Routing

ROUTES = (
    Route(domain="a.test", via="smtp://Relay.test"),
    Route(domain="b.test", via="smtps://u@mx.google.com"),
)
MINE = Provider(name="mine", domains=("c.test",), mx_suffixes=(".mine.test",))


def mx(*names: str, port: int = 25) -> tuple[MxHost, ...]:
    return tuple(
        MxHost(name=each, port=port, preference=n, addresses=("192.0.2.1",))
        for n, each in enumerate(names)
    )


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("a.test", "smtp://relay.test:25"),
        ("b.test", "gmail"),
        ("c.test", "mine"),
        ("comcast.net", "comcast"),
        ("[IPv6:2001:DB8::1]", "[2001:db8::1]:2526"),
        ("unknown.test", "unknown.test"),
    ],
)
def test_a_provider_is_told_without_dns_where_that_can_be_rt1(domain: str, provider: str) -> None:
    assert Routing(ROUTES, [MINE], 2526).expected_provider(domain) == provider


@pytest.mark.parametrize(
    ("destination", "provider"),
    [
        ("smtp://relay.test:25", "smtp://relay.test:25"),
        ("mx:a.test", None),  # passes by the routes
        ("mx:c.test", "mine"),
        ("unknown.test", None),
    ],
)
def test_of_a_way_that_was_chosen_its_provider_is_told_and_of_what_takes_dns_none(
    destination: str, provider: str | None
) -> None:
    assert Routing(ROUTES, [MINE], 2526).find_told_provider(destination) == provider


def smart_host_site(routing: Routing, destination: str) -> Site:
    way = routing.first_way(destination)
    assert way is not None
    to = routing.find_host(way)
    assert to is not None
    return routing.smart_host_site(way, to, ("192.0.2.1",))


def test_a_via_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="smtp://host:port"):
        Routing([Route(domain="*", via=("ses", "http://x"))], [], 25)


def test_what_is_told_without_dns_is_what_the_resolution_says_rt1() -> None:
    routing = Routing(ROUTES, [MINE], 25)
    for domain in ("a.test", "b.test"):
        site = smart_host_site(routing, domain)
        assert site.provider.name == routing.expected_provider(domain)
    assert routing.mx_site("c.test", mx("x.test")).provider.name == "mine"
    address = MxHost(name="192.0.2.1", port=25, preference=0, addresses=("192.0.2.1",))
    literal = routing.literal_site("[192.0.2.1]", address)
    assert literal.provider.name == routing.expected_provider("[192.0.2.1]")


FAILING = (Route(domain="a.test", via=("smtp://one", "smtp://two", "ses")),)


@pytest.mark.parametrize(
    ("destination", "way", "following"),
    [
        ("a.test", "smtp://one", "smtp://two"),
        ("over:smtp://two a.test", "smtp://two", "ses"),
        ("over:ses a.test", "ses", ""),  # from the beginning
        ("over:ses b.test", "ses", ""),  # a rescue
        ("ses", "ses", None),  # an operator's choice
        ("mx:a.test", "mx", None),
    ],
)
def test_who_takes_over_is_the_next_of_the_route_and_never_another_than_an_operator_chose(
    destination: str, way: str, following: str | None
) -> None:
    assert Routing(FAILING, [], 25).find_next_way(destination, way) == following


def sites(routing: Routing) -> dict[str, Site]:
    """One of each kind."""
    return {
        "suffix": routing.mx_site("d.test", mx("mx.mine.test")),
        "domain": routing.mx_site("c.test", mx("mx.other.test")),
        "unknown": routing.mx_site("d.test", mx("mx.other.test")),
        "shipped": routing.mx_site("d.test", mx("mx.google.com")),
        "smart host": smart_host_site(routing, "a.test"),
    }


def test_changed_numbers_reach_the_sites_that_are_known_and_move_nothing_rt2() -> None:
    old = Routing(ROUTES, [MINE], 25)
    changed = (
        msgspec.structs.replace(MINE, connections=3),
        Provider(name="default", connections=4),
        Provider(name="smtp://relay.test:25", connections=5),
        Provider(name="gmail", mx_suffixes=(".google.com",), connections=6, tls="required"),
    )
    new = Routing(ROUTES, changed, 25)
    wanted = {"suffix": 3, "domain": 3, "unknown": 4, "shipped": 6, "smart host": 5}
    for kind, site in sites(old).items():
        renewed = new.renewed(site)
        assert renewed is not None, kind
        assert renewed.provider.connections == wanted[kind], kind
        assert partition_of(renewed.provider.name, 16) == partition_of(site.provider.name, 16)
        assert msgspec.structs.replace(renewed, provider=site.provider) == site
        assert renewed == sites(new)[kind]  # what is resolved anew


@pytest.mark.parametrize(
    ("providers", "gone"),
    [
        ((), {"suffix", "domain"}),
        ((msgspec.structs.replace(MINE, mx_suffixes=()),), {"suffix"}),
        ((msgspec.structs.replace(MINE, domains=()),), {"domain"}),
        ((MINE, Provider(name="new", mx_suffixes=(".other.test",))), {"unknown"}),
        ((Provider(name="new", mx_suffixes=(".mine.test",)), MINE), {"suffix"}),
        ((MINE, Provider(name="new", mx_suffixes=("relay.test",))), {"smart host"}),
        ((msgspec.structs.replace(MINE, tls="required"),), {"suffix", "domain"}),
    ],
)
def test_a_site_of_another_provider_or_tls_is_not_renewed(
    providers: tuple[Provider, ...], gone: set[str]
) -> None:
    new = Routing(ROUTES, providers, 25)
    old = sites(Routing(ROUTES, [MINE], 25))
    assert {kind for kind, site in old.items() if new.renewed(site) is None} == gone


def test_hosts_asked_at_another_port_are_not_renewed() -> None:
    routing = Routing(ROUTES, [MINE], 2525)
    assert routing.renewed(routing.mx_site("d.test", mx("mx.test", port=2525))) is not None
    assert routing.renewed(routing.mx_site("d.test", mx("mx.test", port=25))) is None


def test_a_site_with_a_demand_is_another_site_of_the_same_provider_through_reloads() -> None:
    routing = Routing(ROUTES, [MINE], 25)
    for domain, names in (("x.test", ("mx.y.test",)), ("c.test", ("mx.z.test",))):
        bare = routing.mx_site(domain, mx(*names))
        strict = routing.demanding(bare, "verify")
        assert (strict.name, strict.demands) == (f"{bare.name}+verify", "verify")
        assert strict.provider == bare.provider
        assert routing.demanding(bare, "") is bare
        assert Routing(ROUTES, [MINE], 25).renewed(strict) == strict
    relay = smart_host_site(routing, "a.test")
    assert routing.demanding(relay, "verify") is relay

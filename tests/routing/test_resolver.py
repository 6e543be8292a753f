"""Mirrors angarium/routing/resolver.py and mx.py, against a scripted DNS server on loopback."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable

import dns.rcode
import msgspec
import pytest

from angarium.config.address import HostPort
from angarium.config.schema import Config, Delivery, Provider, Route, Server
from angarium.routing.dns import DnsResolver
from angarium.routing.own_host import OwnHost
from angarium.routing.resolution import MxHost, Resolution, Site, Unroutable
from angarium.routing.resolver import Resolver, ordered_hosts
from angarium.routing.routing import Routing
from tests.routing.scripted_dns import ScriptedDns

OWN = OwnHost(
    names=frozenset({"mx1.own.test"}),
    addresses=frozenset({"198.51.100.99", "2001:db8::99"}),
    has_ipv6=True,
)
CONFIG = Config(server=Server(hostname="mx1.own.test"))
IPV4_ONLY = msgspec.structs.replace(OWN, has_ipv6=False)


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


Build = Callable[..., Resolver]


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedDns]:
    server = ScriptedDns()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def build(server: ScriptedDns, clock: Seconds) -> AsyncIterator[Build]:
    built: list[DnsResolver] = []

    def make(
        *routes: Route,
        own: OwnHost = OWN,
        providers: tuple[Provider, ...] = (),
        lifetime_s: float = 10,
        **delivery: object,
    ) -> Resolver:
        config = Config(
            server=Server(hostname="mx1.own.test"),
            dns=msgspec.structs.replace(server.config, lifetime_s=lifetime_s, timeout_s=lifetime_s),
            delivery=Delivery(**delivery),  # type: ignore[arg-type]
        )
        look_ups = DnsResolver(config.dns, clock)
        resolver = Resolver(
            config, look_ups, own, Routing(routes, providers, config.delivery.port), clock
        )
        built.append(look_ups)
        return resolver

    yield make
    for look_ups in built:
        await look_ups.close()


def site(resolution: Resolution) -> Site:
    assert isinstance(resolution, Site), resolution
    return resolution


def refusal(resolution: Resolution) -> tuple[bool, int, str]:
    assert isinstance(resolution, Unroutable), resolution
    assert resolution.text.isascii()
    assert resolution.text.isprintable()
    return resolution.permanent, resolution.code, resolution.enhanced


async def test_hosts_come_by_preference_with_addresses_of_both_families_in_turn(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "MX", "20 backup.a.test.", "10 mx2.a.test.", "10 mx1.a.test.")
    server.add("mx1.a.test", "A", "198.51.100.1", "198.51.100.2")
    server.add("mx1.a.test", "AAAA", "2001:db8::1")
    server.add("mx2.a.test", "A", "198.51.100.3")
    server.add("backup.a.test", "AAAA", "2001:db8::2")
    found = site(await build().resolve("a.test"))
    assert found.name == "(mx1|mx2>backup).a.test"
    assert found.via == "mx"
    assert found.final
    assert [(each.name, each.preference, each.port) for each in found.hosts] == [
        ("mx1.a.test", 10, 25),
        ("mx2.a.test", 10, 25),
        ("backup.a.test", 20, 25),
    ]
    first = found.hosts[0].addresses
    assert first[0] == "2001:db8::1"
    assert set(first[1:]) == {"198.51.100.1", "198.51.100.2"}
    assert found.hosts[2].addresses == ("2001:db8::2",)


async def test_ten_equal_hosts_are_one_site_whatever_their_order(
    server: ScriptedDns, build: Build
) -> None:
    names = [f"mx{n}.big.test." for n in range(10)]
    server.add("a.test", "MX", *(f"5 {each}" for each in names))
    server.add("b.test", "MX", *(f"7 {each}" for each in reversed(names)))
    for each in names:
        server.add(each.rstrip("."), "A", "198.51.100.1")
    resolver = build()
    first, second = site(await resolver.resolve("a.test")), site(await resolver.resolve("b.test"))
    assert first.name == second.name == "(" + "|".join(f"mx{n}" for n in range(10)) + ").big.test"
    assert len(first.hosts) == 10


async def test_domains_of_one_site_share_it_in_memory(server: ScriptedDns, build: Build) -> None:
    server.add("mx.test", "A", "198.51.100.1")
    server.add("a.test", "MX", "10 mx.test.")
    server.add("b.test", "MX", "10 mx.test.")
    resolver = build()
    assert await resolver.resolve("a.test") is await resolver.resolve("b.test")


async def test_of_thirty_hosts_the_best_are_kept(server: ScriptedDns, build: Build) -> None:
    server.add("mx.test", "A", "198.51.100.1")
    server.add("a.test", "MX", *(f"{n} mx{n}.a.test." for n in range(30)))
    for n in range(30):
        server.add(f"mx{n}.a.test", "A", "198.51.100.1")
    hosts = site(await build().resolve("a.test")).hosts
    assert [each.preference for each in hosts] == list(range(20))


async def test_a_host_named_twice_is_tried_once(server: ScriptedDns, build: Build) -> None:
    server.add("mx.test", "A", "198.51.100.1")
    server.add("a.test", "MX", "20 mx.test.", "10 MX.test.")
    hosts = site(await build().resolve("a.test")).hosts
    assert [(each.name, each.preference) for each in hosts] == [("mx.test", 10)]


async def test_an_mx_that_is_an_alias_is_followed(server: ScriptedDns, build: Build) -> None:
    server.add("a.test", "MX", "10 alias.test.")
    server.add("alias.test", "CNAME", "real.test.")
    server.add("real.test", "A", "198.51.100.1")
    found = site(await build().resolve("a.test"))
    assert (found.name, found.hosts[0].addresses) == ("alias.test", ("198.51.100.1",))


async def test_a_domain_that_is_an_alias_is_followed(server: ScriptedDns, build: Build) -> None:
    server.add("a.test", "CNAME", "b.test.")
    server.add("b.test", "MX", "10 mx.b.test.")
    server.add("mx.b.test", "A", "198.51.100.1")
    assert site(await build().resolve("a.test")).name == "mx.b.test"


async def test_a_host_without_addresses_is_skipped(server: ScriptedDns, build: Build) -> None:
    server.add("a.test", "MX", "10 gone.test.", "20 mx.test.")
    server.add("mx.test", "A", "198.51.100.1")
    assert [each.name for each in site(await build().resolve("a.test")).hosts] == ["mx.test"]


async def test_hosts_that_all_lack_addresses_are_a_definite_failure(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "MX", "10 gone.test.", "20 txt.test.")
    server.add("txt.test", "TXT", '"no address"')
    assert refusal(await build().resolve("a.test")) == (True, 550, "5.4.4")


async def test_one_host_in_trouble_makes_the_failure_temporary(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "MX", "10 gone.test.", "20 broken.test.")
    server.rcodes["broken.test"] = dns.rcode.SERVFAIL
    assert refusal(await build().resolve("a.test")) == (False, 451, "4.4.3")


async def test_a_host_in_trouble_is_passed_over_but_asked_again_soon(
    server: ScriptedDns, build: Build, clock: Seconds
) -> None:
    server.add("a.test", "MX", "10 best.test.", "20 mx.test.")
    server.add("mx.test", "A", "198.51.100.1")
    server.rcodes["best.test"] = dns.rcode.SERVFAIL
    resolver = build()
    assert site(await resolver.resolve("a.test")).name == "mx.test"
    del server.rcodes["best.test"]
    server.add("best.test", "A", "198.51.100.2")
    clock.now += 3  # "a few seconds"
    assert site(await resolver.resolve("a.test")).name == "(best>mx).test"


async def test_rfc_7505_a_null_mx_is_a_permanent_failure(server: ScriptedDns, build: Build) -> None:
    server.add("a.test", "MX", "0 .")
    server.add("a.test", "A", "198.51.100.1")
    assert refusal(await build().resolve("a.test")) == (True, 556, "5.1.10")


async def test_rfc_7505_a_null_mx_among_others_is_left_out(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "MX", "0 .", "10 mx.test.")
    server.add("mx.test", "A", "198.51.100.1")
    assert site(await build().resolve("a.test")).name == "mx.test"


async def test_a_domain_without_mx_is_its_own_host(server: ScriptedDns, build: Build) -> None:
    server.add("a.test", "A", "198.51.100.1")
    assert site(await build().resolve("a.test")).hosts == (
        MxHost(name="a.test", port=25, preference=0, addresses=("198.51.100.1",)),
    )


async def test_an_ipv6_only_domain_is_reached_where_ipv6_is(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "AAAA", "2001:db8::1")
    assert site(await build().resolve("a.test")).hosts[0].addresses == ("2001:db8::1",)
    assert refusal(await build(own=IPV4_ONLY).resolve("a.test")) == (False, 451, "4.4.4")


async def test_without_an_ipv6_route_ipv4_alone_is_asked_for(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "MX", "10 mx.test.")
    server.add("mx.test", "A", "198.51.100.1")
    server.add("mx.test", "AAAA", "2001:db8::1")
    found = site(await build(own=IPV4_ONLY).resolve("a.test"))
    assert found.hosts[0].addresses == ("198.51.100.1",)
    assert server.queries["mx.test", "AAAA"] == 0


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_trouble_with_the_mx_look_up_is_no_implicit_mx(
    server: ScriptedDns, build: Build, clock: Seconds, rcode: dns.rcode.Rcode
) -> None:
    server.rcodes["a.test"] = rcode
    resolver = build()
    assert refusal(await resolver.resolve("a.test")) == (False, 451, "4.4.3")
    assert server.queries["a.test", "A"] == 0
    clock.now += 3  # "a few seconds"
    assert resolver.find_known("a.test") is None


async def test_a_silent_nameserver_is_temporary(server: ScriptedDns, build: Build) -> None:
    server.silent.add("a.test")
    assert refusal(await build(lifetime_s=0.1).resolve("a.test")) == (False, 451, "4.4.3")


async def test_a_domain_that_does_not_exist_is_permanent(server: ScriptedDns, build: Build) -> None:
    assert refusal(await build().resolve("a.test")) == (True, 550, "5.1.2")
    assert server.queries["a.test", "A"] == 0  # RFC 5321 section 5.1: no implicit MX then


@pytest.mark.parametrize(
    "domain", ["", "a b", "x..test", "ü.test", "-.test", "[", "[]", "[x]", "a\n.test"]
)
async def test_what_is_no_domain_is_refused_without_dns(
    server: ScriptedDns, build: Build, domain: str
) -> None:
    permanent, code, _ = refusal(await build().resolve(domain))
    assert (permanent, code) == (True, 550)
    assert not server.queries


async def test_d4_mx_names_that_are_no_hosts_are_never_asked_for(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "MX", r"5 a\010b.test.", r"5 \(\|\).test.", "10 mx.test.")
    server.add("mx.test", "A", "198.51.100.1")
    assert site(await build().resolve("a.test")).name == "mx.test"
    server.add("b.test", "MX", r"5 sp\032ace.test.")
    assert refusal(await build().resolve("b.test")) == (True, 550, "5.4.4")
    assert not [name for name, _ in server.queries if not name.isprintable() or " " in name]


# --- ourselves in the list (RFC 5321 section 5.1), and addresses that an MX must not name (A7) ---


async def test_where_we_are_in_the_list_only_better_hosts_are_left(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "MX", "10 mx.test.", "20 MX1.own.test.", "20 same.test.", "30 worse.test.")
    for each in ("mx.test", "same.test", "worse.test"):
        server.add(each, "A", "198.51.100.1")
    assert [each.name for each in site(await build().resolve("a.test")).hosts] == ["mx.test"]


async def test_a7_our_address_under_another_name_is_us(server: ScriptedDns, build: Build) -> None:
    server.add("a.test", "MX", "10 mx.test.", "20 other-name.test.", "30 worse.test.")
    server.add("mx.test", "A", "198.51.100.1")
    server.add("other-name.test", "AAAA", "2001:0db8:0:0::99")
    server.add("worse.test", "A", "198.51.100.2")
    assert [each.name for each in site(await build().resolve("a.test")).hosts] == ["mx.test"]


@pytest.mark.parametrize("mx", ["0 mx1.own.test.", "0 ours.test."])
async def test_a7_mail_that_would_come_back_to_us_is_a_loop(
    server: ScriptedDns, build: Build, mx: str
) -> None:
    server.add("a.test", "MX", mx, "10 worse.test.")
    server.add("mx1.own.test", "A", "198.51.100.99")
    server.add("ours.test", "A", "198.51.100.99")
    server.add("worse.test", "A", "198.51.100.1")
    assert refusal(await build().resolve("a.test")) == (True, 554, "5.4.6")


async def test_a7_our_own_name_as_a_domain_is_a_loop(server: ScriptedDns, build: Build) -> None:
    server.add("mx1.own.test", "A", "198.51.100.99")
    assert refusal(await build().resolve("mx1.own.test")) == (True, 554, "5.4.6")


LOOPBACK = ["127.0.0.1", "127.8.9.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"]
INNER = ["10.1.2.3", "192.168.1.1", "169.254.169.254", "224.0.0.1", "fc00::1", "fe80::1", "ff02::1"]
INNER += ["::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1"]


@pytest.mark.parametrize("address", LOOPBACK + INNER)
async def test_a7_an_mx_with_an_inner_address_is_refused(
    server: ScriptedDns, build: Build, address: str
) -> None:
    server.add("a.test", "MX", "10 mx.test.")
    server.add("mx.test", "AAAA" if ":" in address else "A", address)
    expected = (True, 550, "5.4.4") if address in LOOPBACK else (False, 451, "4.4.4")
    assert refusal(await build().resolve("a.test")) == expected
    allowed = site(await build(allow_private=True).resolve("a.test"))
    assert allowed.hosts[0].addresses == (address,)


async def test_a7_an_inner_address_beside_a_public_one_is_left_out(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "MX", "10 mx.test.", "20 other.test.")
    server.add("mx.test", "A", "127.0.0.1", "198.51.100.1")
    server.add("other.test", "A", "10.0.0.1")
    found = site(await build().resolve("a.test"))
    assert [each.addresses for each in found.hosts] == [("198.51.100.1",)]


async def test_where_inner_addresses_are_allowed_our_own_are_too(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "A", "198.51.100.99")
    assert site(await build(allow_private=True).resolve("a.test")).name == "a.test"


# --- literals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "name", "address"),
    [
        ("[203.0.113.7]", "[203.0.113.7]", "203.0.113.7"),
        ("[IPv6:2001:DB8:0::7]", "[2001:db8::7]", "2001:db8::7"),
    ],
)
async def test_an_address_literal_is_its_own_site(
    server: ScriptedDns, build: Build, domain: str, name: str, address: str
) -> None:
    found = site(await build().resolve(domain))
    assert (found.name, found.hosts[0].addresses) == (name, (address,))
    assert site(await build(port=2526).resolve(domain)).name == name + ":2526"
    assert not server.queries


@pytest.mark.parametrize(
    ("domain", "code"),
    [
        ("[127.0.0.1]", (True, 550, "5.4.4")),
        ("[198.51.100.99]", (True, 554, "5.4.6")),
        ("[IPv6:::ffff:10.0.0.1]", (True, 550, "5.4.4")),
        ("[IPv6:fe80::1%eth0]", (True, 550, "5.1.3")),
        ("[127.1]", (True, 550, "5.1.3")),
        ("[0x7f000001]", (True, 550, "5.1.3")),
    ],
)
async def test_a7_literals_of_inner_addresses_are_refused(
    build: Build, domain: str, code: tuple[bool, int, str]
) -> None:
    assert refusal(await build().resolve(domain)) == code


# --- routes --------------------------------------------------------------------------------


async def test_a_smart_host_may_have_any_address(server: ScriptedDns, build: Build) -> None:
    resolver = build(
        Route(domain="a.test", via="smtp://127.0.0.1:2526"),
        Route(domain="*.b.test", via="smtps://user@relay.test"),
        Route(domain="c.test", via="smtp://[::1]:2527"),
        Route(domain="d.test", via="smtp://localhost:2528"),
    )
    server.add("relay.test", "A", "10.0.0.1")
    server.add("relay.test", "AAAA", "fc00::1")
    literal = site(await resolver.resolve("a.test"))
    assert (literal.name, literal.via, literal.final) == (
        "smtp://127.0.0.1:2526",
        "smtp://127.0.0.1:2526",
        False,
    )
    named = site(await resolver.resolve("x.b.test"))
    assert named.name == "smtps://user@relay.test:465"
    assert named.hosts == (
        MxHost(name="relay.test", port=465, preference=0, addresses=("fc00::1", "10.0.0.1")),
    )
    assert site(await resolver.resolve("c.test")).hosts[0].addresses == ("::1",)
    assert site(await resolver.resolve("d.test")).hosts[0].addresses == ("127.0.0.1", "::1")
    assert server.queries["relay.test", "MX"] == 0


async def test_a_way_that_an_operator_chose_passes_by_the_routes(
    server: ScriptedDns, build: Build
) -> None:
    resolver = build(Route(domain="*", via="smtp://127.0.0.1:2526"))
    chosen = site(await resolver.resolve("smtp://127.0.0.2:2527"))
    assert (chosen.via, chosen.final) == ("smtp://127.0.0.2:2527", False)
    server.add("a.test", "MX", "10 mx.a.test.")
    server.add("mx.a.test", "A", "192.0.2.7")
    direct = site(await resolver.resolve("mx:a.test"))
    assert (direct.hosts[0].name, direct.via, direct.final) == ("mx.a.test", "mx", True)
    assert site(await resolver.resolve("a.test")).via == "smtp://127.0.0.1:2526"


async def test_a_smart_host_that_cannot_be_found_never_bounces_mail(
    server: ScriptedDns, build: Build
) -> None:
    resolver = build(
        Route(domain="a.test", via="smtp://gone.test"),
        Route(domain="*", via="smtp://broken.test"),
    )
    server.rcodes["broken.test"] = dns.rcode.SERVFAIL
    assert refusal(await resolver.resolve("a.test")) == (False, 451, "4.4.4")
    assert refusal(await resolver.resolve("b.test")) == (False, 451, "4.4.3")


async def test_literals_follow_the_routes_too(build: Build) -> None:
    resolver = build(Route(domain="*", via="smtp://127.0.0.1:2526"))
    assert site(await resolver.resolve("[127.0.0.1]")).name == "smtp://127.0.0.1:2526"


# --- providers -----------------------------------------------------------------------------


async def test_a_known_provider_is_told_by_its_hosts(server: ScriptedDns, build: Build) -> None:
    server.add(
        "a.test", "MX", "10 gmail-smtp-in.l.google.com.", "20 alt1.gmail-smtp-in.l.google.com."
    )
    for each in ("gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com"):
        server.add(each, "A", "198.51.100.1")
    found = site(await build().resolve("a.test"))
    assert found.name == "(gmail-smtp-in>alt1.gmail-smtp-in).l.google.com"
    assert (found.provider.name, found.provider.connections) == ("gmail", 5)


async def test_an_unknown_site_is_its_own_provider_with_the_limits_of_the_default(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "A", "198.51.100.1")
    own = Provider(name="default", connections=3)
    found = site(await build(providers=(own,)).resolve("a.test"))
    assert found.provider == Provider(name="a.test", connections=3)


async def test_a_provider_told_by_domain_has_a_site_of_its_own(
    server: ScriptedDns, build: Build
) -> None:
    for each in ("comcast.net", "other.test"):
        server.add(each, "MX", "5 mx.comcast.test.")
    server.add("mx.comcast.test", "A", "198.51.100.1")
    resolver = build()
    listed = site(await resolver.resolve("comcast.net"))
    other = site(await resolver.resolve("other.test"))
    assert (listed.name, listed.provider.name) == ("mx.comcast.test/comcast", "comcast")
    assert (other.name, other.provider.name) == ("mx.comcast.test", "mx.comcast.test")
    # Its TLS is demanded on its own connections, never on those of whoever shares its hosts
    assert (listed.provider.tls, other.provider.tls) == ("required", "opportunistic")


# --- the cache -----------------------------------------------------------------------------


async def test_what_was_resolved_is_found_until_the_shortest_ttl_ends(
    server: ScriptedDns, build: Build, clock: Seconds
) -> None:
    server.add("a.test", "MX", "10 mx.test.", ttl=100)
    server.add("mx.test", "A", "198.51.100.1", ttl=40)
    server.add("mx.test", "AAAA", "2001:db8::1", ttl=70)
    resolver = build()
    assert resolver.find_known("a.test") is None
    found = await resolver.resolve("a.test")
    clock.now += 39
    assert resolver.find_known("a.test") is found
    clock.now += 1
    assert resolver.find_known("a.test") is None
    await resolver.resolve("a.test")
    assert Counter(server.queries) == {
        ("a.test", "MX"): 1,
        ("mx.test", "A"): 2,
        ("mx.test", "AAAA"): 1,
    }


async def test_refusals_are_cached_too(server: ScriptedDns, build: Build, clock: Seconds) -> None:
    resolver = build()
    found = await resolver.resolve("a.test")
    clock.now += 59  # the SOA's minimum is 60
    assert resolver.find_known("a.test") is found
    clock.now += 1
    assert resolver.find_known("a.test") is None


async def test_one_resolution_is_under_way_per_domain(server: ScriptedDns, build: Build) -> None:
    server.add("a.test", "A", "198.51.100.1")
    resolver = build()
    found = await asyncio.gather(*(resolver.resolve("a.test") for _ in range(20)))
    assert len({id(each) for each in found}) == 1
    assert server.queries["a.test", "MX"] == 1


def test_equal_hosts_are_shuffled_and_others_are_not() -> None:
    hosts = tuple(
        MxHost(name=f"mx{n}.test", port=25, preference=n // 3, addresses=("198.51.100.1",))
        for n in range(6)
    )
    all_of = Site(name="x", hosts=hosts, provider=Provider(name="x"), via="mx", final=True)  # type: ignore[arg-type]
    shuffle = random.Random(1)
    seen = {tuple(each.name for each in ordered_hosts(all_of, shuffle)) for _ in range(500)}
    assert len(seen) == 36
    for order in seen:
        assert {*order[:3]} == {"mx0.test", "mx1.test", "mx2.test"}


async def test_a_listener_of_ours_is_a_loop_though_private_addresses_are_allowed(
    server: ScriptedDns, build: Build
) -> None:
    own = msgspec.structs.replace(OWN, listening=frozenset({HostPort("10.0.0.5", 2525)}))
    server.add("a.test", "MX", "10 self.test.")
    server.add("b.test", "MX", "5 other.test.", "10 self.test.", "20 worse.test.")
    server.add("self.test", "A", "10.0.0.5")
    server.add("other.test", "A", "10.0.0.6")
    server.add("worse.test", "A", "10.0.0.7")
    resolver = build(own=own, allow_private=True, port=2525)
    assert refusal(await resolver.resolve("a.test")) == (True, 554, "5.4.6")
    assert refusal(await resolver.resolve("[10.0.0.5]")) == (True, 554, "5.4.6")
    assert [each.name for each in site(await resolver.resolve("b.test")).hosts] == ["other.test"]


async def test_a_smart_host_that_leads_back_to_us_waits_for_the_operator(
    server: ScriptedDns, build: Build
) -> None:
    own = msgspec.structs.replace(OWN, listening=frozenset({HostPort("10.0.0.5", 2525)}))
    server.add("relay.test", "A", "10.0.0.5")
    server.add("two.test", "A", "10.0.0.5", "10.0.0.6")
    resolver = build(
        Route(domain="a.test", via="smtp://relay.test:2525"),
        Route(domain="b.test", via="smtp://two.test:2525"),
        own=own,
    )
    assert refusal(await resolver.resolve("a.test")) == (False, 451, "4.4.4")
    assert site(await resolver.resolve("b.test")).hosts[0].addresses == ("10.0.0.6",)


@pytest.mark.parametrize(
    ("domain", "host"),
    [("a.test", "198.51.100.7"), ("[198.51.100.8]", "198.51.100.8"), ("b.test", "localhost")],
)
async def test_what_needs_no_look_up_is_known_at_once(
    server: ScriptedDns, build: Build, domain: str, host: str
) -> None:
    resolver = build(
        Route(domain="a.test", via="smtp://198.51.100.7"),
        Route(domain="b.test", via="smtp://localhost:2525"),
    )
    found = resolver.find_known(domain)
    assert found is not None
    assert site(found).hosts[0].name == host
    assert not server.queries


async def test_what_dns_has_cached_for_another_domain_is_known_at_once(
    server: ScriptedDns, build: Build
) -> None:
    server.add("relay.test", "A", "198.51.100.5")
    resolver = build(Route(domain="*", via="smtp://relay.test"))
    assert resolver.find_known("a.test") is None
    await resolver.resolve("a.test")
    found = resolver.find_known("b.test")
    assert found is not None
    assert site(found).hosts[0].addresses == ("198.51.100.5",)


async def test_what_was_exchanged_holds_for_the_next_answer(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "MX", "1 mx.a.test.")
    server.add("mx.a.test", "A", "198.51.100.1")
    resolver = build()
    assert site(await resolver.resolve("a.test")).provider.connections == 10
    own = [Provider(name="mine", domains=("a.test",), connections=3)]
    resolver.exchange(CONFIG, OWN, Routing((), own, 25))
    assert site(await resolver.resolve("a.test")).provider == own[0]


async def test_a_look_up_under_way_answers_by_what_was_exchanged_meanwhile(
    server: ScriptedDns, build: Build
) -> None:
    """A smart host's name is being looked up when its route goes: an answer of before would be kept for an hour."""
    server.add("relay.test", "A", "198.51.100.1")
    server.add("mx.a.test", "A", "198.51.100.2")
    server.add("a.test", "MX", "1 mx.a.test.")
    resolver = build(Route(domain="a.test", via="smtp://relay.test"))
    under_way = asyncio.create_task(resolver.resolve("a.test"))
    for _ in range(3):
        await asyncio.sleep(0)  # until it asks
    assert not under_way.done()
    resolver.exchange(CONFIG, OWN, Routing((), (), 25))
    assert site(await under_way).via == "mx"
    assert site(await resolver.resolve("a.test")).via == "mx"


async def test_an_answer_that_came_just_before_an_exchange_is_not_given_after_it(
    server: ScriptedDns, build: Build
) -> None:
    server.add("a.test", "MX", "1 mx.a.test.")
    server.add("mx.a.test", "A", "198.51.100.1")
    resolver = build()
    under_way = asyncio.create_task(resolver.resolve("a.test"))
    while resolver.find_known("a.test") is None:
        await asyncio.sleep(0)
    if not under_way.done():  # the look-up has ended, who waits for it has not heard yet
        own = [Provider(name="mine", domains=("a.test",), connections=3)]
        resolver.exchange(CONFIG, OWN, Routing((), own, 25))
        assert site(await under_way).provider == own[0]
    else:
        pytest.fail("the window is gone")

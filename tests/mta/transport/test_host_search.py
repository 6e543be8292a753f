"""Mirrors angarium/mta/transport/host_search.py."""

import random
from typing import Any

import msgspec

from angarium.config.schema import Provider
from angarium.mta.transport.host_search import ADDRESSES, AVOID_MS, HostSearch
from angarium.mta.transport.outcome import Permanent, Scope, Transient
from angarium.mta.transport.transfer import EgressPath, Extensions, TlsPolicy
from angarium.queue import Attempt, UnixMs
from angarium.routing.resolution import MxHost, Site, SiteName

PATH = EgressPath(source="default", bind_address=None, ehlo="mx.example")


class Dead:
    """A net in which only some addresses answer."""

    def __init__(self, *alive: str) -> None:
        self.alive = set(alive)
        self.asked: list[str] = []
        self.used: list[Extensions] = []
        self.refusals: dict[str, int] = {}  # of an address: the code of its banner
        self.for_good: set[str] = set()  # take no greeting

    def connector_of(self, site: Site) -> Any:
        return self

    async def connect(
        self,
        host: MxHost,
        address: str,
        path: EgressPath,
        tls: TlsPolicy,
        use: Extensions,
        progress: object = None,
    ) -> Any:
        self.used.append(use)
        self.asked.append(address)
        if address in self.alive:
            return address
        attempt = Attempt(
            at=UnixMs(0),
            host=host.name,
            address=address,
            source="",
            code=self.refusals.get(address, 0),
            enhanced="4.4.1",
            text="Connection refused",
            tls="",
            stage="connect",
        )
        if address in self.for_good:
            return Permanent(attempt, Scope.SITE)
        return Transient(attempt, Scope.SITE)


def site(*hosts: tuple[str, int]) -> Site:
    """Of hosts by preference, each with a number of addresses."""
    return Site(
        name=SiteName("s"),
        hosts=tuple(
            MxHost(
                name=name,
                port=25,
                preference=number,
                addresses=tuple(f"{name}.{each}" for each in range(count)),
            )
            for number, (name, count) in enumerate(hosts)
        ),
        provider=Provider(name="p"),
        via="mx",
        final=True,
    )


class Search(HostSearch):
    def __init__(self, net: Any) -> None:
        self.now = 1_000_000
        super().__init__(net, lambda *_: TlsPolicy(), lambda: UnixMs(self.now), random.Random(1))


async def test_a_host_with_many_dead_addresses_leaves_room_for_the_next_one() -> None:
    net = Dead("b.0")
    assert await Search(net).open(site(("a", 16), ("b", 2)), PATH) == "b.0"
    assert len(net.asked) == ADDRESSES


async def test_addresses_go_by_preference_while_they_are_few() -> None:
    net = Dead()
    await Search(net).open(site(("a", 3), ("b", 3)), PATH)
    assert net.asked == ["a.0", "a.1", "a.2", "b.0", "b.1", "b.2"]


async def test_the_next_attempt_at_a_site_of_many_hosts_comes_to_others() -> None:
    # RFC 5321 section 5.1
    net = Dead("h19.0")
    search = Search(net)
    many = site(*((f"h{n}", 1) for n in range(20)))
    tries = 0
    while (result := await search.open(many, PATH)) != "h19.0":
        assert isinstance(result, Transient)
        search.now += AVOID_MS + 1
        tries += 1
        assert tries < 4
    assert len(net.asked) == 20


async def test_an_address_that_failed_is_tried_last_for_a_minute() -> None:
    net = Dead("b.0")
    search = Search(net)
    two = site(("a", 1), ("b", 1))
    await search.open(two, PATH)
    await search.open(two, PATH)
    search.now += AVOID_MS + 1
    await search.open(two, PATH)
    assert net.asked == ["a.0", "b.0", "b.0", "a.0", "b.0"]


async def test_hosts_that_have_refused_are_left_out() -> None:
    net = Dead()
    await Search(net).open(site(("a", 2), ("b", 1), ("c", 1)), PATH, frozenset({"a", "c"}))
    assert net.asked == ["b.0"]


async def test_a_source_of_one_family_asks_no_address_of_the_other() -> None:
    hosts = site(("a", 1))
    both = msgspec.structs.replace(
        hosts.hosts[0], addresses=("2001:db8::1", "192.0.2.1", "2001:db8::2")
    )
    only_v6 = msgspec.structs.replace(both, addresses=("2001:db8::1",))
    bound = msgspec.structs.replace(PATH, bind_address="198.51.100.1")
    net = Dead()
    await Search(net).open(msgspec.structs.replace(hosts, hosts=(both,)), bound)
    assert net.asked == ["192.0.2.1"]
    result = await Search(net).open(msgspec.structs.replace(hosts, hosts=(only_v6,)), bound)
    assert isinstance(result, Transient)
    assert result.attempt.text == "the host has IPv6 addresses only, and our source none"
    assert net.asked == ["192.0.2.1"]


async def test_a_reply_says_more_than_a_dead_host_behind_it() -> None:
    net = Dead()
    net.refusals = {"b.0": 554, "d.0": 421}
    four = site(("a", 1), ("b", 1), ("c", 1), ("d", 1))
    result = await Search(net).open(four, PATH)
    assert (result.attempt.host, result.attempt.code) == ("b", 554)  # type: ignore[union-attr]
    net.refusals = {}
    result = await Search(net).open(four, PATH)
    assert result.attempt.host == "a"  # type: ignore[union-attr]


async def test_a_site_refuses_for_good_only_with_one_voice() -> None:
    net, three = Dead(), site(("a", 1), ("b", 1), ("c", 1))
    net.for_good = {"a.0", "b.0", "c.0"}
    assert isinstance(await Search(net).open(three, PATH), Permanent)
    assert net.asked == ["a.0", "b.0", "c.0"]
    net.for_good = {"a.0", "c.0"}  # b may work tomorrow
    assert isinstance(await Search(net).open(three, PATH), Transient)
    net.for_good = {"a.0", "b.0", "c.0"}
    smart_host = msgspec.structs.replace(three, final=False)
    assert isinstance(await Search(net).open(smart_host, PATH), Transient)


async def test_a_site_of_many_hosts_refuses_for_good_when_enough_did() -> None:
    net = Dead()
    net.for_good = {f"h{n}.0" for n in range(20)}
    many = site(*((f"h{n}", 1) for n in range(20)))
    assert isinstance(await Search(net).open(many, PATH), Permanent)
    assert len(net.asked) == ADDRESSES


async def test_extensions_are_used_as_the_provider_says() -> None:
    net, of = Dead(), site(("a", 1))
    await Search(net).open(of, PATH)
    provider = Provider(name="p", chunking=False, pipelining=False)
    await Search(net).open(msgspec.structs.replace(of, provider=provider), PATH)
    assert net.used == [Extensions(), Extensions(pipelining=False, chunking=False)]

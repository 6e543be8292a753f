"""Mirrors angarium/routing/dns.py, against a scripted DNS server on loopback."""

import asyncio
import struct
import threading
from collections.abc import AsyncIterator

import dns.message
import dns.rcode
import dns.rrset
import msgspec
import pytest

from angarium.config.schema import Dns
from angarium.routing import nameserver
from angarium.routing.dns import (
    DnsResolver,
    DnsSetupError,
    DnsTrouble,
    Found,
    MxRecord,
    NoData,
    NoSuchDomain,
)
from angarium.routing.silent_zones import MANY, SILENT_S
from tests.routing.scripted_dns import ScriptedDns


class Seconds:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


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
async def resolver(server: ScriptedDns, clock: Seconds) -> AsyncIterator[DnsResolver]:
    resolver = DnsResolver(server.config, clock)
    yield resolver
    await resolver.close()


@pytest.fixture
async def hasty(server: ScriptedDns, clock: Seconds) -> AsyncIterator[DnsResolver]:
    """Gives up soon: for what is never answered."""
    config = msgspec.structs.replace(server.config, timeout_s=0.05, lifetime_s=0.2)
    resolver = DnsResolver(config, clock)
    yield resolver
    await resolver.close()


async def test_mx_records_come_by_preference_and_name(
    server: ScriptedDns, resolver: DnsResolver
) -> None:
    server.add("a.test", "MX", "20 Z.a.test.", "10 y.a.test.", "10 X.a.test.", ttl=77)
    assert await resolver.mx("a.test") == Found(
        (MxRecord(10, "x.a.test"), MxRecord(10, "y.a.test"), MxRecord(20, "z.a.test")), 77
    )


async def test_an_exchanged_configuration_holds_for_the_next_look_up(
    server: ScriptedDns, resolver: DnsResolver
) -> None:
    server.add("a.test", "MX", "10 x.a.test.", "20 y.a.test.", ttl=77)
    assert isinstance(both := await resolver.mx("a.test"), Found)
    assert len(both.records) == 2
    resolver.exchange(msgspec.structs.replace(server.config, mx_hosts=1, max_ttl_s=5))
    assert await resolver.mx("a.test") == Found((MxRecord(10, "x.a.test"),), 5)
    with pytest.raises(DnsSetupError):
        resolver.exchange(msgspec.structs.replace(server.config, nameservers=("nonsense",)))
    assert await resolver.mx("a.test") == Found((MxRecord(10, "x.a.test"),), 5)  # as before


async def test_addresses_of_both_families_are_found(
    server: ScriptedDns, resolver: DnsResolver
) -> None:
    server.add("a.test", "A", "198.51.100.1", "198.51.100.2")
    server.add("a.test", "AAAA", "2001:db8::1")
    four, six = await resolver.ipv4("a.test"), await resolver.ipv6("a.test")
    assert isinstance(four, Found)
    assert sorted(four.records) == ["198.51.100.1", "198.51.100.2"]
    assert six == Found(("2001:db8::1",), 300)


async def test_a_name_without_the_type_is_not_a_name_that_does_not_exist(
    server: ScriptedDns, resolver: DnsResolver
) -> None:
    server.add("a.test", "A", "198.51.100.1")
    assert await resolver.mx("a.test") == NoData(60)
    assert await resolver.mx("b.test") == NoSuchDomain(60)


@pytest.mark.parametrize("minimum", [0, 60, 86400])
async def test_negative_answers_are_kept_for_the_minimum_of_the_soa_within_bounds(
    server: ScriptedDns, resolver: DnsResolver, clock: Seconds, minimum: int
) -> None:
    server.negative_minimum = minimum
    await resolver.mx("b.test")
    kept = {0: 5, 60: 60, 86400: 300}[minimum]  # min_ttl_s, the SOA's, negative_ttl_s
    clock.now += kept - 0.5
    assert await resolver.mx("b.test") == NoSuchDomain(0.5)
    assert server.queries["b.test", "MX"] == 1
    clock.now += 1
    await resolver.mx("b.test")
    assert server.queries["b.test", "MX"] == 2


@pytest.mark.parametrize(("ttl", "kept"), [(0, 5), (60, 60), (999_999, 3600)])
async def test_answers_are_kept_for_their_ttl_within_bounds(
    server: ScriptedDns, resolver: DnsResolver, clock: Seconds, ttl: int, kept: int
) -> None:
    server.add("a.test", "A", "198.51.100.1", ttl=ttl)
    assert await resolver.ipv4("a.test") == Found(("198.51.100.1",), kept)
    clock.now += kept - 1
    assert await resolver.ipv4("a.test") == Found(("198.51.100.1",), 1)
    clock.now += 1
    await resolver.ipv4("a.test")
    assert server.queries["a.test", "A"] == 2
    assert (resolver.counters.hits, resolver.counters.look_ups) == (1, 2)


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR])
async def test_a_refusal_of_the_server_is_trouble_and_kept_for_seconds_only(
    server: ScriptedDns, resolver: DnsResolver, clock: Seconds, rcode: dns.rcode.Rcode
) -> None:  # DR2
    server.rcodes["a.test"] = rcode
    answer = await resolver.mx("a.test")
    assert isinstance(answer, DnsTrouble)
    assert dns.rcode.to_text(rcode) in answer.text
    assert answer.text.isprintable()
    asked = server.queries["a.test", "MX"]
    await resolver.mx("a.test")
    assert server.queries["a.test", "MX"] == asked
    del server.rcodes["a.test"]
    server.add("a.test", "MX", "10 mx.a.test.")
    clock.now += 3  # "a few seconds"
    assert isinstance(await resolver.mx("a.test"), Found)
    assert resolver.counters.troubles == 1


async def test_silence_is_trouble_after_the_lifetime(
    server: ScriptedDns, hasty: DnsResolver
) -> None:
    server.silent.add("a.test")
    answer = await hasty.mx("a.test")
    assert answer == DnsTrouble("DNS: a.test MX: no answer in time", is_silence=True)
    assert server.queries["a.test", "MX"] >= 2  # asked again within its lifetime


async def test_the_next_nameserver_is_asked_when_one_fails(
    server: ScriptedDns, clock: Seconds
) -> None:
    other = ScriptedDns()
    await other.start()
    other.rcodes["a.test"] = dns.rcode.SERVFAIL
    server.add("a.test", "A", "198.51.100.1")
    both = (f"127.0.0.1:{other.port}", f"127.0.0.1:{server.port}")
    resolver = DnsResolver(msgspec.structs.replace(server.config, nameservers=both), clock)
    assert isinstance(await resolver.ipv4("a.test"), Found)
    assert other.queries["a.test", "A"] == 1
    await other.stop()


async def test_one_look_up_is_in_flight_per_name(
    server: ScriptedDns, resolver: DnsResolver
) -> None:  # DR1
    server.add("a.test", "A", "198.51.100.1")
    server.held["a.test"] = asyncio.Event()
    waiters = [asyncio.ensure_future(resolver.ipv4("a.test")) for _ in range(50)]
    while not server.queries["a.test", "A"]:
        await asyncio.sleep(0)
    server.held["a.test"].set()
    answers = await asyncio.gather(*waiters)
    assert set(answers) == {Found(("198.51.100.1",), 300)}
    assert server.queries["a.test", "A"] == 1


async def test_a_waiter_that_is_cancelled_does_not_end_the_look_up(
    server: ScriptedDns, resolver: DnsResolver
) -> None:
    server.add("a.test", "A", "198.51.100.1")
    server.held["a.test"] = asyncio.Event()
    first = asyncio.ensure_future(resolver.ipv4("a.test"))
    second = asyncio.ensure_future(resolver.ipv4("a.test"))
    while not server.queries["a.test", "A"]:
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    server.held["a.test"].set()
    assert isinstance(await second, Found)


async def test_look_ups_under_way_are_bounded(server: ScriptedDns, clock: Seconds) -> None:
    resolver = DnsResolver(msgspec.structs.replace(server.config, look_ups=2), clock)
    go = asyncio.Event()
    for each in range(6):
        server.add(f"{each}.test", "A", "198.51.100.1")
        server.held[f"{each}.test"] = go
    waiters = [asyncio.ensure_future(resolver.ipv4(f"{each}.test")) for each in range(6)]
    while server.queries.total() < 2:
        await asyncio.sleep(0)
    for _ in range(50):
        await asyncio.sleep(0)
    assert server.queries.total() == 2
    go.set()
    assert all(isinstance(each, Found) for each in await asyncio.gather(*waiters))


def of(sender: str, message: str = "1") -> tuple[str, str, str, str]:
    return ("tenant", "account", sender, message)


async def test_one_senders_silent_nameservers_do_not_keep_the_others_waiting(
    server: ScriptedDns, clock: Seconds
) -> None:  # DR3
    resolver = DnsResolver(msgspec.structs.replace(server.config, look_ups=4), clock)
    server.silent.update(f"{each}.test" for each in range(100))
    server.add("good.test", "A", "198.51.100.1")
    slow = [
        asyncio.ensure_future(resolver.look_up((f"{each}.test", "A"), of("bad", f"{each % 10}")))
        for each in range(100)
    ]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):  # the silent ones take ten seconds each
        assert isinstance(await resolver.look_up(("good.test", "A"), of("good")), Found)
    for each in slow:
        each.cancel()
    await resolver.close()


async def test_what_somebody_else_asked_for_and_waits_with_is_had_by_ones_own_turn(
    server: ScriptedDns, clock: Seconds
) -> None:  # DR3, DR1
    resolver = DnsResolver(msgspec.structs.replace(server.config, look_ups=4), clock)
    server.silent.update(f"{each}.test" for each in range(100))
    server.add("good.test", "A", "198.51.100.1")
    names = [*(f"{each}.test" for each in range(100)), "good.test"]
    theirs = [asyncio.ensure_future(resolver.look_up((each, "A"), of("bad"))) for each in names]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        assert isinstance(await resolver.look_up(("good.test", "A"), of("good")), Found)
    assert resolver.find_known(("good.test", "A")) is not None  # for everybody
    assert server.queries["good.test", "A"] == 1
    for each in theirs:
        each.cancel()
    await resolver.close()


async def test_a_zone_that_is_silent_for_many_names_is_not_asked_for_more(
    server: ScriptedDns, clock: Seconds
) -> None:
    config = msgspec.structs.replace(server.config, timeout_s=0.05, lifetime_s=0.2)
    resolver = DnsResolver(config, clock)
    names = [f"{each}.silent.test" for each in range(MANY)]
    server.silent.update((*names, "silent.test", "more.silent.test"))
    await asyncio.gather(*(resolver.mx(each) for each in names))
    async with asyncio.timeout(10):
        while resolver.find_known(("more.silent.test", "MX")) is None:
            await asyncio.sleep(0.01)
    answer = await resolver.mx("more.silent.test")
    assert isinstance(answer, DnsTrouble)
    assert answer.text == (
        "DNS: more.silent.test MX: not asked: no answer of late from silent.test"
    )
    assert not server.queries["more.silent.test", "MX"]
    clock.now += SILENT_S
    await resolver.mx("more.silent.test")
    assert server.queries["more.silent.test", "MX"]
    await resolver.close()


async def test_a_zone_that_lives_is_asked_however_many_names_below_are_silent(
    server: ScriptedDns, clock: Seconds
) -> None:  # SZ1
    config = msgspec.structs.replace(server.config, timeout_s=0.05, lifetime_s=0.2)
    resolver = DnsResolver(config, clock)
    names = [f"{each}.co.test" for each in range(MANY + 1)]
    server.silent.update(names)
    await asyncio.gather(*(resolver.mx(each) for each in names))
    async with asyncio.timeout(10):
        while not server.queries["co.test", "MX"]:
            await asyncio.sleep(0.01)
    assert isinstance(await resolver.mx("good.co.test"), NoSuchDomain)
    await resolver.close()


async def test_the_cache_is_bounded(server: ScriptedDns, clock: Seconds) -> None:
    resolver = DnsResolver(msgspec.structs.replace(server.config, cache_entries=3), clock)
    for each in "abcd":
        await resolver.ipv4(f"{each}.test")
    await resolver.ipv4("d.test")
    await resolver.ipv4("a.test")
    assert (server.queries["d.test", "A"], server.queries["a.test", "A"]) == (1, 2)


async def test_an_answer_too_big_for_udp_comes_over_tcp(
    server: ScriptedDns, resolver: DnsResolver
) -> None:
    hosts = [f"{'x' * 60}{number}.a.test" for number in range(10)]
    server.add("a.test", "MX", *(f"1 {each}." for each in hosts))
    assert await resolver.mx("a.test") == Found(tuple(MxRecord(1, each) for each in hosts), 300)
    assert server.tcp_queries["a.test", "MX"] == 1


async def test_d4_a_big_answer_is_cut(server: ScriptedDns, resolver: DnsResolver) -> None:
    server.add("a.test", "A", *(f"198.51.100.{n}" for n in range(200)))
    server.add("a.test", "MX", *(f"{n} mx{n}.a.test." for n in range(200, 0, -1)))
    addresses, mx = await resolver.ipv4("a.test"), await resolver.mx("a.test")
    assert isinstance(addresses, Found)
    assert len(addresses.records) == 16
    assert isinstance(mx, Found)
    assert [each.preference for each in mx.records] == list(range(1, 21))  # the best ones


async def test_the_best_of_a_thousand_mx_records_are_found(
    server: ScriptedDns, resolver: DnsResolver
) -> None:
    server.add("a.test", "MX", *(f"{n} mail-host-{n}.a.test." for n in range(1000)))
    answer = await resolver.mx("a.test")
    assert isinstance(answer, Found)
    assert [each.preference for each in answer.records] == list(range(20))


async def test_d4_a_huge_answer_does_not_hold_the_event_loop(
    server: ScriptedDns, resolver: DnsResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = dns.message.make_query("a.test", "A")
    addresses = [f"198.51.{n // 256}.{n % 256}" for n in range(4000)]
    rrset = dns.rrset.from_text("a.test.", 60, "IN", "A", *addresses)
    prepared = dns.message.make_response(query)
    prepared.answer.append(rrset)
    octets = prepared.to_wire()[2:]
    assert len(octets) > 60_000
    server.add("a.test", "A", *addresses[:100])  # more than UDP takes
    server.tricks["a.test"] = lambda query, _: [struct.pack("!H", query.id) + octets]
    parsed_by: list[int] = []
    parsed = nameserver._parsed

    def watched(answer: bytes) -> dns.message.Message:
        parsed_by.append(threading.get_ident())
        return parsed(answer)

    monkeypatch.setattr(nameserver, "_parsed", watched)
    answer = await resolver.ipv4("a.test")
    assert isinstance(answer, Found)
    assert parsed_by  # more than once on a machine so busy that it asked again
    assert threading.get_ident() not in parsed_by


async def test_a_referral_of_a_lame_nameserver_denies_nothing(
    server: ScriptedDns, resolver: DnsResolver
) -> None:  # RFC 2308 section 2.2
    def refer(query: dns.message.Message, _: bytes) -> list[bytes]:
        response = dns.message.make_response(query)
        response.authority.append(dns.rrset.from_text("a.test.", 60, "IN", "NS", "ns.b.test."))
        return [response.to_wire()]

    server.tricks["a.test"] = refer
    assert isinstance(await resolver.mx("a.test"), DnsTrouble)
    assert isinstance(await resolver.ipv4("a.test"), DnsTrouble)


def _cut_short(query: dns.message.Message, answer: bytes) -> list[bytes]:
    return [answer[:-4]]


def _short_rdata(query: dns.message.Message, answer: bytes) -> list[bytes]:
    """An A record of three octets, an MX record without a name: RDLENGTH agrees with what is there."""
    at = answer.rindex(struct.pack("!H", 4) + bytes([198, 51, 100, 1]))
    return [answer[:at] + struct.pack("!H", 3) + answer[at + 2 : at + 5]]


def _wrong_id(query: dns.message.Message, answer: bytes) -> list[bytes]:
    return [struct.pack("!H", query.id ^ 1) + answer[2:]]


def _other_question(query: dns.message.Message, answer: bytes) -> list[bytes]:
    other = dns.message.make_response(dns.message.make_query("evil.test", "A", id=query.id))
    other.answer.append(dns.rrset.from_text("evil.test.", 60, "IN", "A", "203.0.113.66"))
    return [other.to_wire()]


def _rubbish(query: dns.message.Message, answer: bytes) -> list[bytes]:
    return [b"", b"\0", answer[:2] + b"\xff" * 400]


def _pointer_loop(query: dns.message.Message, answer: bytes) -> list[bytes]:
    head = answer[:12]
    return [head + b"\xc0\x0c" + answer[14:]]


@pytest.mark.parametrize(
    "trick", [_cut_short, _short_rdata, _wrong_id, _other_question, _rubbish, _pointer_loop]
)
async def test_d4_an_answer_that_makes_no_sense_is_trouble(
    server: ScriptedDns, hasty: DnsResolver, trick: object
) -> None:
    server.add("a.test", "A", "198.51.100.1")
    server.tricks["a.test"] = trick  # type: ignore[assignment]
    assert isinstance(await hasty.ipv4("a.test"), DnsTrouble)


@pytest.mark.parametrize("trick", [_wrong_id, _other_question, _rubbish])
async def test_d4_a_forged_answer_does_not_hide_the_true_one(
    server: ScriptedDns, resolver: DnsResolver, trick: object
) -> None:
    server.add("a.test", "A", "198.51.100.1")
    server.tricks["a.test"] = lambda query, answer: [*trick(query, answer), answer]  # type: ignore[operator]
    assert await resolver.ipv4("a.test") == Found(("198.51.100.1",), 300)


async def test_aliases_are_followed_by_the_server_or_by_us(
    server: ScriptedDns, resolver: DnsResolver
) -> None:
    server.add("a.test", "CNAME", "b.test.", ttl=30)
    server.add("b.test", "CNAME", "c.test.")
    server.add("c.test", "A", "198.51.100.1")
    assert await resolver.ipv4("a.test") == Found(("198.51.100.1",), 30)
    server.follow_aliases = False
    resolver.forget()
    assert isinstance(await resolver.ipv4("a.test"), Found)
    assert server.queries["c.test", "A"] == 1


@pytest.mark.parametrize("follow", [True, False])
async def test_d4_a_loop_of_aliases_ends(
    server: ScriptedDns, resolver: DnsResolver, follow: bool
) -> None:
    server.follow_aliases = follow
    server.add("a.test", "CNAME", "b.test.")
    server.add("b.test", "CNAME", "a.test.")
    assert isinstance(await resolver.mx("a.test"), DnsTrouble)


async def test_an_alias_to_nowhere_is_no_such_domain(
    server: ScriptedDns, resolver: DnsResolver
) -> None:
    server.add("a.test", "CNAME", "gone.test.")
    assert isinstance(await resolver.mx("a.test"), NoSuchDomain)


@pytest.mark.parametrize(
    "name", ["", ".", "a..test", "a" * 64 + ".test", "a b.test", "ü.test", "a\n.test", "x." * 130]
)
async def test_d4_what_is_no_name_is_never_asked_for(
    server: ScriptedDns, resolver: DnsResolver, name: str
) -> None:
    assert isinstance(await resolver.mx(name), NoSuchDomain)
    assert not server.queries


async def test_ptr_finds_the_names_of_an_address(
    server: ScriptedDns, resolver: DnsResolver
) -> None:
    server.add("1.100.51.198.in-addr.arpa", "PTR", "Mx1.example.test.")
    assert await resolver.ptr("198.51.100.1") == Found(("mx1.example.test",), 300)
    with pytest.raises(ValueError, match="no address"):
        await resolver.ptr("no address")


@pytest.mark.parametrize(
    "text", ["localhost:53", "127.0.0.1:0", "127.0.0.1:x", "[::1", "127.0.0.1:99999"]
)
def test_a_nameserver_that_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(DnsSetupError):
        DnsResolver(Dns(nameservers=(text,)), Seconds())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("127.0.0.1", "127.0.0.1:53"),
        ("127.0.0.1:5353", "127.0.0.1:5353"),
        ("[::1]:5353", "[::1]:5353"),
        ("[::1]", "[::1]:53"),
    ],
)
def test_nameservers_have_a_port_each(text: str, shown: str) -> None:
    assert DnsResolver(Dns(nameservers=(text,)), Seconds()).nameservers == (shown,)

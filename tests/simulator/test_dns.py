"""What the small internet's DNS answers, asked by dnspython over real sockets."""

import asyncio
from collections.abc import AsyncIterator

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from angarium.simulator.dns import DnsServer
from angarium.simulator.internet import Internet
from angarium.simulator.scenario import Host, Name, Scenario, ScenarioError, SimulatedProvider
from angarium.simulator.zone import Zone

SCENARIO = Scenario(
    provider=(
        SimulatedProvider(
            name="oak",
            domains=("oak.example", "acorn.example"),
            tls="none",
            hosts=(
                Host(name="mx1.oak.example", preference=10),
                Host(name="mx2.oak.example", preference=20, listens=False),
                Host(name="mx6.oak.example", preference=30, addresses=("::1",), listens=False),
            ),
        ),
    ),
    name=(
        Name(name="nomail.example", null_mx=True),
        Name(name="implicit.example", records=("A 127.0.0.9",)),
        Name(name="alias.example", records=("CNAME oak.example.",)),
        Name(name="loop.example", records=("CNAME loop.example.",)),
        Name(name="gone.example", answer="nxdomain"),
        Name(name="trouble.example", answer="servfail"),
        Name(name="shut.example", answer="refused"),
        Name(name="mute.example", answer="silent"),
        Name(name="slow.example", records=("A 127.0.0.9",), delay_s=0.2),
        Name(name="s1._domainkey.oak.example", records=("TXT v=DKIM1; p=" + "A" * 600,), ttl=7),
        Name(name="many.example", records=tuple(f"MX 10 mx{i}.many.example." for i in range(90))),
    ),
)


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with Internet(SCENARIO) as net:
        yield net


async def ask(net: Internet, name: str, kind: str, timeout: float = 5) -> dns.message.Message:
    query = dns.message.make_query(name, kind, use_edns=False)
    return await dns.asyncquery.udp(query, "127.0.0.1", port=net.dns.port, timeout=timeout)


async def texts(net: Internet, name: str, kind: str) -> list[str]:
    response = await ask(net, name, kind)
    return sorted(rdata.to_text() for rrset in response.answer for rdata in rrset)


async def test_a_domain_has_its_mx_hosts_and_they_have_their_addresses(net: Internet) -> None:
    hosts = ["10 mx1.oak.example.", "20 mx2.oak.example.", "30 mx6.oak.example."]
    assert await texts(net, "oak.example", "MX") == hosts
    assert await texts(net, "ACORN.example", "MX") == hosts
    addresses = await texts(net, "mx1.oak.example", "A")
    assert addresses == [net.addresses("oak")[0]]
    assert addresses[0].startswith("127.20.")
    assert await texts(net, "mx6.oak.example", "AAAA") == ["::1"]


async def test_a_listening_host_can_be_reached_and_another_cannot(net: Internet) -> None:
    first, second, _ = net.addresses("oak")
    _, writer = await asyncio.open_connection(first, net.smtp_port)
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(second, net.smtp_port)


async def test_a_null_mx_and_an_implicit_one(net: Internet) -> None:
    assert await texts(net, "nomail.example", "MX") == ["0 ."]
    nothing = await ask(net, "implicit.example", "MX")
    assert (nothing.rcode(), nothing.answer) == (dns.rcode.NOERROR, [])
    assert nothing.authority[0].rdtype == dns.rdatatype.SOA  # the negative TTL
    assert await texts(net, "implicit.example", "A") == ["127.0.0.9"]


async def test_a_name_that_only_has_names_below_it_exists(net: Internet) -> None:
    response = await ask(net, "_domainkey.oak.example", "TXT")
    assert (response.rcode(), response.answer) == (dns.rcode.NOERROR, [])


async def test_cnames_are_followed_and_loops_end(net: Internet) -> None:
    response = await ask(net, "alias.example", "MX")
    assert [rrset.rdtype for rrset in response.answer] == [
        dns.rdatatype.CNAME,
        dns.rdatatype.MX,
    ]
    assert (await ask(net, "loop.example", "A")).rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize(
    ("name", "rcode"),
    [
        ("gone.example", dns.rcode.NXDOMAIN),
        ("nobody.heard.of.example", dns.rcode.NXDOMAIN),
        ("trouble.example", dns.rcode.SERVFAIL),
        ("shut.example", dns.rcode.REFUSED),
    ],
)
async def test_a_name_that_cannot_be_answered(net: Internet, name: str, rcode: int) -> None:
    assert (await ask(net, name, "MX")).rcode() == rcode


async def test_a_silent_name_is_never_answered_and_a_slow_one_is(net: Internet) -> None:
    with pytest.raises(dns.exception.Timeout):
        await ask(net, "mute.example", "MX", timeout=0.2)
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await texts(net, "slow.example", "A") == ["127.0.0.9"]
    assert loop.time() - started >= 0.19


async def test_long_text_is_split_and_comes_back_whole(net: Internet) -> None:
    query = dns.message.make_query("s1._domainkey.oak.example", "TXT", use_edns=0, payload=1232)
    response, over_tcp = await dns.asyncquery.udp_with_fallback(
        query, "127.0.0.1", port=net.dns.port, timeout=5
    )
    assert b"".join(response.answer[0][0].strings) == b"v=DKIM1; p=" + b"A" * 600
    assert response.answer[0].ttl == 7
    assert not over_tcp  # EDNS has room for it


async def test_what_is_too_large_for_udp_is_truncated_and_whole_over_tcp(net: Internet) -> None:
    query = dns.message.make_query("many.example", "MX", use_edns=False)
    cut = await dns.asyncquery.udp(
        query, "127.0.0.1", port=net.dns.port, timeout=5, ignore_trailing=True
    )
    assert cut.flags & dns.flags.TC
    response, over_tcp = await dns.asyncquery.udp_with_fallback(
        query, "127.0.0.1", port=net.dns.port, timeout=5
    )
    assert over_tcp
    assert len(response.answer[0]) == 90


async def test_questions_are_counted_and_records_can_be_added_and_removed(net: Internet) -> None:
    net.zone.add("new.example", "TXT hello")
    assert await texts(net, "new.example", "TXT") == ['"hello"']
    net.zone.remove("new.example")
    assert (await ask(net, "New.example", "TXT")).answer == []
    assert net.dns.queries[("new.example", "TXT")] == 2


async def test_rubbish_is_not_answered_and_does_no_harm(net: Internet) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=("127.0.0.1", net.dns.port)
    )
    transport.sendto(b"\x00rubbish")
    transport.close()
    _, writer = await asyncio.open_connection("127.0.0.1", net.dns.port)
    writer.write(b"\x00\x05rubb")
    writer.close()
    assert await texts(net, "nomail.example", "MX") == ["0 ."]


def test_a_record_that_is_none_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"x\.example"):
        Zone().add("x.example", "A not-an-address")


async def test_a_taken_port_is_an_error() -> None:
    first, second = DnsServer(Zone()), DnsServer(Zone())
    await first.start()
    try:
        with pytest.raises(OSError, match="address already in use"):
            await second.start(first.port)
    finally:
        await first.close()

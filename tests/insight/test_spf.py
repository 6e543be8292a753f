"""Mirrors angarium/insight/spf.py."""

from collections.abc import Sequence
from typing import Any

import pytest

from angarium.insight.spf import MAX_TERMS, SpfVerdict, check_host
from tests.insight.table_dns import TableDns

Records = dict[tuple[str, str], Sequence[Any] | str]
US = "192.0.2.10"


def spf(**domains: str) -> Records:
    """Records of ``example.test`` (d=...) and of others, their underscores being dots."""
    return {(f"{name}.test", "TXT"): [f"v=spf1 {terms}"] for name, terms in domains.items()}


async def check(records: Records, address: str = US, domain: str = "d.test") -> SpfVerdict:
    return await check_host(TableDns(records), address=address, domain=domain, helo="mx.d.test")


@pytest.mark.parametrize(
    ("terms", "result"),
    [
        ("ip4:192.0.2.10 -all", "pass"),
        ("ip4:192.0.2.0/24 -all", "pass"),
        ("-ip4:192.0.2.10 +all", "fail"),
        ("ip4:192.0.3.0/24 -all", "fail"),
        ("ip6:2001:db8::/32 ~all", "softfail"),
        ("?all", "neutral"),
        ("", "neutral"),
        ("a -all", "pass"),
        ("a:no.test -all", "fail"),
        ("a:near.test/24 -all", "pass"),
        ("mx -all", "pass"),
        ("mx:no.test -all", "fail"),
        ("ptr -all", "pass"),
        ("ptr:other.test -all", "fail"),
        ("exists:%{i}.list.test -all", "pass"),
        ("exists:%{l}.list.test -all", "fail"),
        ("include:yes.test -all", "pass"),
        ("include:not.test ?all", "neutral"),
        ("include:empty.test -all", "permerror"),
        ("redirect=yes.test", "pass"),
        ("redirect=not.test", "fail"),
        ("redirect=empty.test", "permerror"),
        ("-all redirect=yes.test", "fail"),
        ("include:broken.test +all", "permerror"),
        ("ip4:192.0.2.10 nonsense", "permerror"),
        ("a:slow.test -all", "temperror"),
        ("ip4:192.0.2.10 a:slow.test -all", "pass"),
        ("include:slow.test -all", "temperror"),
        ("redirect=d.test", "permerror"),
        ("include:d.test -all", "permerror"),
    ],
)
async def test_a_record_decides(terms: str, result: str) -> None:
    records = spf(d=terms, yes="ip4:192.0.2.10 -all", no="-all", broken="what") | {
        ("not.test", "TXT"): ["v=spf1 -all"],
        ("d.test", "A"): [US],
        ("near.test", "A"): ["192.0.2.77"],
        ("d.test", "MX"): ["other.test", "mx.d.test"],
        ("mx.d.test", "A"): [US],
        ("other.test", "A"): ["192.0.3.1"],
        ("10.2.0.192.in-addr.arpa", "PTR"): ["mx.d.test", "forged.other.test"],
        ("forged.other.test", "A"): ["192.0.3.1"],
        (f"{US}.list.test", "A"): ["127.0.0.2"],
        ("empty.test", "TXT"): ["not spf"],
        ("slow.test", "A"): "trouble",
        ("slow.test", "TXT"): "trouble",
    }
    verdict = await check(records)
    assert verdict.result == result, verdict


@pytest.mark.parametrize(
    ("terms", "result"),
    [
        ("ip6:2001:db8::/32 -all", "pass"),
        ("a -all", "pass"),
        ("a:near.test//64 -all", "pass"),
        ("ip4:0.0.0.0/0 -all", "fail"),
    ],
)
async def test_ipv6_addresses_are_asked_of_ipv6(terms: str, result: str) -> None:
    records = spf(d=terms) | {
        ("d.test", "AAAA"): ["2001:db8::10"],
        ("near.test", "AAAA"): ["2001:db8::ffff"],
        ("d.test", "A"): [US],
    }
    assert (await check(records, "2001:db8::10")).result == result


async def test_without_a_record_there_is_no_result() -> None:
    assert (await check({})).result == "none"
    assert (await check({("d.test", "TXT"): ["hello"]})).result == "none"
    assert (await check({}, domain="localhost")).result == "none"
    assert (await check({("d.test", "TXT"): "trouble"})).result == "temperror"
    two = {("d.test", "TXT"): ["v=spf1 -all", "v=spf1 +all"]}
    assert (await check(two)).result == "permerror"


async def test_sp1_ten_terms_ask_and_the_eleventh_is_an_error() -> None:
    def records(number: int) -> Records:
        terms = " ".join(f"a:h{n}.test" for n in range(number))
        names: Records = {(f"h{n}.test", "A"): ["192.0.3.1"] for n in range(number)}
        return spf(d=f"{terms} +all") | names

    exact = await check(records(MAX_TERMS))
    assert (exact.result, exact.terms) == ("pass", MAX_TERMS)
    assert (await check(records(MAX_TERMS + 1))).result == "permerror"


async def test_sp1_terms_of_included_records_count() -> None:
    chain = {f"i{n}": f"include:i{n + 1}.test -all" for n in range(20)}
    dns = TableDns(spf(d="include:i0.test -all", **chain))
    verdict = await check_host(dns, address=US, domain="d.test", helo="mx.d.test")
    assert verdict.result == "permerror"
    assert "one look-up too many" in verdict.reason
    assert sum(dns.asked.values()) == MAX_TERMS + 1


async def test_sp1_a_third_answer_without_a_record_is_an_error_also_in_the_last_term() -> None:
    two = await check(spf(d="a:x1.test a:x2.test +all"))
    assert two.result == "pass"
    assert (await check(spf(d="a:x1.test a:x2.test a:x3.test"))).result == "permerror"


async def test_a_mail_host_too_many_is_an_error() -> None:
    records = spf(d="mx +all") | {("d.test", "MX"): [f"m{n}.test" for n in range(11)]}
    assert (await check(records)).result == "permerror"
    assert "over 10 MX" in (await check(records)).reason

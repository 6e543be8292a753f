"""Mirrors angarium/routing/address_rules.py. What resolution makes of it is in test_resolver."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.routing.address_rules import is_loopback, is_refused, literal_address


@given(st.ip_addresses(v=4))
def test_a7_an_ipv4_address_is_judged_alike_in_every_spelling(ip: ipaddress.IPv4Address) -> None:
    number = int(ip)
    assert is_refused(str(ipaddress.IPv6Address(0xFFFF << 32 | number)))  # mapped: never
    for embedded in ((0x64FF9B << 96) | number, (0x2002 << 112) | (number << 80)):
        assert is_refused(str(ipaddress.IPv6Address(embedded))) == is_refused(str(ip))


@given(st.one_of(st.ip_addresses(v=4, network="0.0.0.0/0"), st.ip_addresses(v=6)))
def test_a7_no_address_that_reaches_inwards_passes(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    inward = ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified
    assert is_refused(str(ip)) or not inward


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "203.0.113.1", "2001:db8::1", "2a00::1", "2002:808:808::1"]
)
def test_public_addresses_are_not_refused(address: str) -> None:
    assert not is_refused(address)
    assert not is_loopback(address)


@pytest.mark.parametrize(
    "domain",
    ["[127.0.0.1", "127.0.0.1", "[::1]", "[IPv6:127.0.0.1]", "[01.2.3.4]", "[1.2.3.4 ]", "[]"],
)
def test_what_is_no_address_literal_is_none(domain: str) -> None:
    assert literal_address(domain) is None

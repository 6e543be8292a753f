"""Mirrors angarium/routing/site_name.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.routing.site_name import (
    MAX_SITE_NAME,
    address_site_name,
    mx_site_name,
    smart_host_site_name,
)


@pytest.mark.parametrize(
    ("groups", "name"),
    [
        ([["mx.example.com"]], "mx.example.com"),
        ([["mx2.example.com", "mx1.example.com"]], "(mx1|mx2).example.com"),
        ([["mx1.example.com"], ["mx2.example.com"]], "(mx1>mx2).example.com"),
        (
            [["gmail-smtp-in.l.google.com", "alt2.l.google.com", "alt1.l.google.com"]],
            "(alt1|alt2|gmail-smtp-in).l.google.com",
        ),
        ([["example.com", "mx.example.com"]], "(example|mx.example).com"),  # each keeps a label
        ([["mx.a.test", "mx.b.test"]], "(mx.a|mx.b).test"),
        ([["mx.a.test", "mx.b.example"]], "mx.a.test|mx.b.example"),
        ([["localhost"], ["mx"]], "localhost>mx"),
    ],
)
def test_what_names_end_in_alike_stands_once(groups: list[list[str]], name: str) -> None:
    assert mx_site_name(groups) == name


def test_a_port_other_than_25_and_a_provider_told_by_domain_are_part_of_it() -> None:
    assert mx_site_name([["mx.test"]], 25) == "mx.test"
    assert mx_site_name([["mx.test"]], 2526) == "mx.test:2526"
    assert mx_site_name([["mx.test"]], 2526, "comcast") == "mx.test:2526/comcast"


def test_addresses_and_smart_hosts_have_names_of_their_own_kind() -> None:
    assert address_site_name("2001:db8::1", 2526) == "[2001:db8::1]:2526"
    assert smart_host_site_name(True, "u", "relay.test", 465) == "smtps://u@relay.test:465"
    assert smart_host_site_name(False, "", "::1", 25) == "smtp://[::1]:25"


labels = st.text("abc1-", min_size=1, max_size=4)
hosts = st.lists(labels, min_size=1, max_size=4).map(".".join)
site_hosts = st.lists(hosts, min_size=1, max_size=6, unique=True).flatmap(
    lambda names: st.lists(st.integers(0, 2), min_size=len(names), max_size=len(names)).map(
        lambda ranks: [
            group
            for rank in range(3)
            if (group := [name for name, each in zip(names, ranks, strict=True) if each == rank])
        ]
    )
)


@given(site_hosts, site_hosts, st.sampled_from([25, 2526]), st.sampled_from([25, 2526]))
def test_names_are_equal_exactly_when_hosts_order_and_port_are(
    one: list[list[str]], other: list[list[str]], port: int, other_port: int
) -> None:
    same = [set(each) for each in one] == [set(each) for each in other] and port == other_port
    assert (mx_site_name(one, port) == mx_site_name(other, other_port)) == same


@given(site_hosts)
def test_the_hosts_can_be_read_back_from_the_name(groups: list[list[str]]) -> None:
    name = mx_site_name(groups)
    heads, _, suffix = name.removeprefix("(").partition(").")
    read = [
        [f"{head}.{suffix}" if suffix else head for head in group.split("|")]
        for group in heads.split(">")
    ]
    assert read == [sorted(group) for group in groups]


@given(st.lists(st.text("ab", min_size=30, max_size=60), min_size=4, max_size=20, unique=True))
def test_a_long_name_is_cut_and_stays_distinct(names: list[str]) -> None:
    whole, without_last = mx_site_name([names]), mx_site_name([names[:-1]])
    assert len(whole) <= MAX_SITE_NAME
    assert whole != without_last
    assert whole == mx_site_name([names[::-1]])

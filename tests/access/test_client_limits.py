"""Mirrors angarium/access/client_limits.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.access.client_limits import (
    ClientConnections,
    FailedLogins,
    SharedOctetBudget,
    WindowCounter,
    client_key,
)
from tests.access.two_processes import two_processes


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:0:0:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not an address", "not an address"),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_64(address: str, key: str) -> None:
    assert client_key(address) == key


def test_s7_connections_are_limited_per_client_and_in_all() -> None:
    connections = ClientConnections(limit=3, limit_per_client=2)
    assert connections.admit("2001:db8::1") is None
    assert connections.admit("2001:db8::2") is None
    refusal = connections.admit("2001:db8::3")
    assert refusal is not None
    assert (refusal.code, refusal.enhanced) == (421, "4.7.0")
    assert connections.admit("192.0.2.1") is None
    refusal = connections.admit("192.0.2.2")
    assert refusal is not None
    assert (refusal.code, refusal.enhanced) == (421, "4.3.2")
    connections.leave("2001:db8::2")
    assert (connections.total, connections.of("2001:db8::9")) == (2, 1)
    assert connections.admit("192.0.2.2") is None


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(["192.0.2.1", "192.0.2.2", "::1"])), max_size=50
    )
)
def test_s7_connections_agree_with_a_plain_list(steps: list[tuple[bool, str]]) -> None:
    connections = ClientConnections(limit=5, limit_per_client=3)
    model: list[str] = []
    for opens, address in steps:
        if opens:
            fits = len(model) < 5 and model.count(address) < 3
            assert (connections.admit(address) is None) == fits
            model += [address] * fits
        elif address in model:
            connections.leave(address)
            model.remove(address)
        assert connections.total == len(model)
        assert connections.of(address) == model.count(address)


def test_a_count_ends_with_its_window() -> None:
    counter = WindowCounter(window_s=10, entries=100)
    assert [counter.add(1, now) for now in (0, 5, 9.9)] == [1, 2, 3]
    assert (counter.count(1, 9.9), counter.count(1, 10)) == (3, 0)
    assert counter.add(1, 10) == 1
    assert counter.count(2, 10) == 0


def test_a_count_can_be_taken_back() -> None:
    counter = WindowCounter(window_s=10, entries=100)
    counter.add(1, 0)
    counter.add(1, 0)
    counter.take_back(1)
    assert counter.count(1, 0) == 1
    counter.take_back(1)
    counter.take_back(1)
    assert (counter.count(1, 0), len(counter)) == (0, 0)


def test_s7_the_table_is_bounded_and_forgets_the_oldest_window() -> None:
    counter = WindowCounter(window_s=10, entries=2)
    counter.add(1, 0)
    counter.add(2, 1)
    counter.add(1, 11)  # a new window: now b's is the oldest
    counter.add(3, 11)
    assert len(counter) == 2
    assert (counter.count(1, 11), counter.count(2, 11), counter.count(3, 11)) == (1, 0, 1)


def test_s7_a_limit_holds_over_all_processes() -> None:
    here, there = (ClientConnections(3, 2, each) for each in two_processes())
    assert (here.admit("192.0.2.1"), there.admit("192.0.2.1")) == (None, None)
    for each in (here, there):
        refusal = each.admit("192.0.2.1")
        assert refusal is not None
        assert refusal.code == 421
        assert refusal.enhanced == "4.7.0"
    assert there.admit("192.0.2.2") is None
    for each in (here, there):
        refusal = each.admit("192.0.2.3")
        assert refusal is not None
        assert refusal.enhanced == "4.3.2"
    there.leave("192.0.2.1")
    assert here.admit("192.0.2.1") is None


def test_the_octets_in_flight_are_bounded_over_all_processes() -> None:
    here, there = (SharedOctetBudget(100, each) for each in two_processes())
    assert here.take(60)
    assert not there.take(41)
    assert there.take(40)
    assert here.is_spent
    assert there.is_spent
    here.give_back(60)
    assert not there.is_spent
    assert there.take(60)


def test_s13_failed_log_ins_count_in_all_processes() -> None:
    here, there = (FailedLogins(10, each) for each in two_processes())
    here.add("192.0.2.1", "joe", 0)
    there.add("192.0.2.1", "ann", 1)
    here.add("192.0.2.2", "joe", 2)
    for each in (here, there):
        assert each.count("192.0.2.1", "joe", 3) == (2, 2)
        assert each.count("192.0.2.2", "ann", 3) == (1, 1)
    here.take_back("192.0.2.1", "joe", 4)  # it was right after all
    for each in (here, there):
        assert each.count("192.0.2.1", "joe", 5) == (1, 1)
        assert each.count("192.0.2.1", "joe", 50) == (0, 0)

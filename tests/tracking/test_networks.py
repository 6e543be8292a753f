"""Mirrors angarium/tracking/networks.py and angarium/config/machine_networks.py: MN1."""

import ipaddress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.machine_networks import all_networks, shipped_networks, shipped_networks_date
from angarium.config.schema import Tracking
from angarium.tracking.networks import MachineNetworks, NetworkOwner

A, B, C = (NetworkOwner(name=name, kind="gateway") for name in "abc")


def test_the_narrowest_network_counts() -> None:
    """MN1"""
    found = MachineNetworks(((A, "10.0.0.0/8"), (B, "10.1.0.0/16"), (C, "10.1.2.0/24")))
    wanted = {
        "9.255.255.255": None,
        "10.0.0.0": A,
        "10.1.0.0": B,
        "10.1.2.3": C,
        "10.1.3.0": B,
        "10.2.0.0": A,
        "10.255.255.255": A,
        "11.0.0.0": None,
    }
    assert {each: found.find(each) for each in wanted} == wanted


@pytest.mark.parametrize("text", ["", "nobody", "1.2.3", "10.0.0.1, 10.0.0.2", "::g"])
def test_what_is_no_address_is_nobodys(text: str) -> None:
    assert MachineNetworks(((A, "0.0.0.0/0"), (B, "::/0"))).find(text) is None


def test_an_ipv4_client_of_an_ipv6_socket_is_found_as_what_it_is() -> None:
    assert MachineNetworks(((A, "192.0.2.0/24"),)).find("::ffff:192.0.2.9") == A


_networks = st.lists(
    st.tuples(st.sampled_from((A, B, C)), st.integers(0, 255), st.integers(24, 32)).map(
        lambda each: (
            each[0],
            str(ipaddress.ip_network(f"192.0.2.{each[1]}/{each[2]}", strict=False)),
        )
    ),
    max_size=8,
    unique_by=lambda each: each[1],
)


@given(_networks, st.integers(0, 255))
def test_bisection_finds_what_a_search_of_all_finds(
    networks: list[tuple[NetworkOwner, str]], last: int
) -> None:
    """MN1"""
    ip = ipaddress.ip_address(f"192.0.2.{last}")
    around = [(ipaddress.ip_network(net), owner) for owner, net in networks]
    within = [(net.prefixlen, owner) for net, owner in around if ip in net]
    expected = max(within, key=lambda each: each[0])[1] if within else None
    assert MachineNetworks(networks).find(str(ip)) == expected


def test_what_ships_is_dated_and_names_no_network_twice() -> None:
    networks = [net for owner in shipped_networks() for net in owner.networks]
    assert len(networks) == len(set(networks))
    assert all(ipaddress.ip_network(each) for each in networks)
    assert date.fromisoformat(shipped_networks_date()).year >= 2025


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("17.58.97.3", "apple"),
        ("52.100.4.4", "exchange-online"),
        ("52.96.4.4", "microsoft"),
        ("66.249.84.9", "google"),
        ("205.139.110.61", "mimecast"),
        ("148.163.130.1", "proofpoint"),
        ("3.90.1.1", "amazon"),
        ("2600:1f18::1", "amazon"),
        ("192.0.2.1", None),
        ("2001:db8::1", None),
    ],
)
def test_well_known_addresses_have_their_owners(address: str, owner: str | None) -> None:
    found = MachineNetworks(
        (NetworkOwner(name=each.name, kind=each.kind), net)
        for each in shipped_networks()
        for net in each.networks
    ).find(address)
    assert (found and found.name) == owner


def test_the_operators_networks_are_a_gateways() -> None:
    own = all_networks(Tracking(machine_networks=("192.0.2.0/24",)))[-1]
    assert (own.kind, own.networks) == ("gateway", ("192.0.2.0/24",))
    assert all_networks(Tracking()) == shipped_networks()

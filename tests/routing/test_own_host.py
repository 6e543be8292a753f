"""Mirrors angarium/routing/own_host.py: reads this machine; sends nothing."""

from pathlib import Path

import pytest

from angarium.config.address import HostPort
from angarium.routing import own_host
from angarium.routing.own_host import interface_addresses, read_own_host

FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 198.51.100.0/24 2 0 2
        |-- 198.51.100.2
           /32 host LOCAL
        |-- 198.51.100.255
           /32 link BROADCAST
        |-- 127.0.0.0
           /8 host LOCAL
"""
IF_INET6 = (
    "20010db8000000000000000000000002 04 40 20 80     eth0\n" + "0" * 31 + "1 01 80 10 80 lo\n"
)


def test_names_and_addresses_are_canonical() -> None:
    own = read_own_host(["MX1.Example.COM."], ["2001:0DB8::0001", "203.0.113.9"])
    assert own.names == {"mx1.example.com"}
    assert {"2001:db8::1", "203.0.113.9"} <= own.addresses


@pytest.mark.skipif(not Path("/proc/net/fib_trie").exists(), reason="needs Linux's /proc")
def test_the_loopback_address_is_among_our_own() -> None:
    assert "127.0.0.1" in interface_addresses()


def test_the_kernels_tables_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fib_trie").write_text(FIB_TRIE)
    (tmp_path / "if_inet6").write_text(IF_INET6)
    monkeypatch.setattr(own_host, "_FIB_TRIE", tmp_path / "fib_trie")
    monkeypatch.setattr(own_host, "_IF_INET6", tmp_path / "if_inet6")
    monkeypatch.setattr(own_host, "_source_towards", lambda family, far: None)
    assert interface_addresses() == {"198.51.100.2", "2001:db8::2", "::1"}


def test_without_the_tables_the_source_address_must_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_host, "_FIB_TRIE", tmp_path / "none")
    monkeypatch.setattr(own_host, "_IF_INET6", tmp_path / "none")
    monkeypatch.setattr(own_host, "_source_towards", lambda family, far: "198.51.100.3")
    assert interface_addresses() == {"198.51.100.3"}


def test_where_we_listen_is_known_whatever_the_listener_is_written_as() -> None:
    own = read_own_host(
        ["mx1.example.com"],
        ["203.0.113.9"],
        [HostPort("0.0.0.0", 25), HostPort("127.0.0.1", 2525), HostPort("mx1.example.com", 587)],
    )
    assert own.listens_at("203.0.113.9", 25)
    assert own.listens_at("127.0.0.5", 25)
    assert own.listens_at("127.0.0.1", 2525)
    assert not own.listens_at("127.0.0.2", 2525)
    assert not own.listens_at("198.51.100.77", 25)
    assert not own.listens_at("::1", 25)

"""Mirrors angarium/api/tracked/hosts.py."""

import pytest

from angarium.api.tracked.hosts import NamedHosts

HOSTS = NamedHosts({"t.example.com": "", "links.acme.example:8443": "acme"})


@pytest.mark.parametrize(
    ("host", "owner"),
    [
        ("t.example.com", ""),
        ("T.Example.COM", ""),
        ("t.example.com.", ""),
        ("t.example.com:8080", ""),
        ("links.acme.example", "acme"),
        ("links.acme.example:8443", "acme"),
        ("api.example.com", None),
        ("t.example.com.evil.example", None),
        ("", None),
        ("[2001:db8::1]:443", None),
    ],
)
def test_a_host_is_found_by_its_name(host: str, owner: str | None) -> None:
    assert HOSTS.find(host) == owner
